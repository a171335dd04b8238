//! The certificate: do chain and key go together, and for how long is it good.

use louan_schema::time::Timestamp;

use super::{Check, Finding, Patient};
use crate::config::TlsMode;
use crate::edge::{Validity, tls_config, validity};

const CERTIFICATE: Check = Check("certificate", "证书");
const DAY_MS: i64 = 86_400_000;
/// Time to get a new one from an authority that answers on working days only.
const NOTE_DAYS: i64 = 30;
const SAFE: &str = "数据安全，但手机和浏览器不能连接。";

pub(super) fn examine(patient: &Patient<'_>) -> Finding {
    let edge = &patient.config.edge;
    if edge.tls == TlsMode::Off {
        return CERTIFICATE.well("由前置代理提供，未检查");
    }
    let renew = "请换上新证书（edge.certificate 与 edge.key），再执行 systemctl reload louan。\
        自有证书请用 louan tls renew 以原根证书重新签发；如另建根证书，须先在所有手机和电脑上安装新的 root.pem。";
    if let Err(error) = tls_config(&edge.certificate, &edge.key) {
        return CERTIFICATE.fault(format!("证书或私钥无法使用：{error}"), SAFE, renew);
    }
    match validity(&edge.certificate) {
        Ok(validity) => judged(patient.now, validity, renew),
        Err(error) => CERTIFICATE.fault(format!("证书无法读取：{error}"), SAFE, renew),
    }
}

fn judged(now: Timestamp, validity: Validity, renew: &str) -> Finding {
    let Validity { from, until } = validity;
    let days = (until.ms() - now.ms()).div_euclid(DAY_MS);
    match days {
        _ if now < from => {
            let next = format!("请检查系统时钟；时钟正确时，{renew}");
            CERTIFICATE.fault(format!("证书自 {from} 起才有效"), SAFE, next)
        }
        _ if now >= until => CERTIFICATE.fault(format!("证书已于 {until} 过期"), SAFE, renew),
        _ if days < NOTE_DAYS => {
            CERTIFICATE.note(format!("证书将于 {until} 过期，还有 {days} 天"), "数据安全。", renew)
        }
        _ => CERTIFICATE.well(format!("有效至 {until}")),
    }
}
