//! What an operator is told when something did not work: what happened, is data safe, what next.
//!
//! The chain of causes follows on its own line, for support.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use crate::app::AppError;
use crate::auth::AccountError;
use crate::auth::password::{PASSWORD_CHARS_MIN, PasswordFault};
use crate::backup::BackupError;
use crate::config::{ConfigError, ConfigFault};
use crate::hub::{OfficeError, OfficeFault};
use crate::restore::RestoreError;
use crate::storage::StorageError;
use crate::storage::sqlite::TenancyError;

/// Something that did not work (失败说明).
#[derive(Debug)]
pub(super) struct Failure {
    what: String,
    next: String,
    cause: String,
    code: u8,
}

impl Failure {
    pub(super) fn new(what: &str, cause: &dyn Error, next: &str) -> Self {
        Self { what: what.to_owned(), next: next.to_owned(), cause: chain(cause), code: 1 }
    }

    /// Without a cause: what was asked cannot be.
    pub(super) fn refused(what: &str, next: &str) -> Self {
        Self { what: what.to_owned(), next: next.to_owned(), cause: String::new(), code: 1 }
    }

    pub(super) fn with(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}。\n{}", self.what, self.next)?;
        if self.cause.is_empty() { Ok(()) } else { write!(f, "\n详情：{}", self.cause) }
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let safe = "服务未启动，数据未作任何改动。";
        let failure = match &error {
            ConfigError::UnknownKey { key, place, nearest } => Self::refused(
                &format!("{place} 中的配置项 {key} 不存在"),
                &format!("{safe}最接近的配置项是 {nearest}，请改正后重试。"),
            ),
            ConfigError::Faults(faults) => {
                let list: Vec<String> =
                    faults.iter().map(|fault| format!("  · {}", fault_text(*fault))).collect();
                Self::refused(
                    &format!("配置有 {} 处错误", faults.len()),
                    &format!("{}\n{safe}", list.join("\n")),
                )
            }
            ConfigError::Read(path, _) => Self::new(
                &format!("无法读取 {}", path.display()),
                &error,
                &format!("{safe}请检查路径和权限。"),
            ),
            ConfigError::Syntax(path, _) => Self::new(
                &format!("{} 不是正确的 TOML", path.display()),
                &error,
                &format!("{safe}请改正后重试。"),
            ),
            ConfigError::Value(_) => {
                Self::new("配置值的类型不正确", &error, &format!("{safe}请改正后重试。"))
            }
        };
        failure.with(3)
    }
}

fn fault_text(fault: ConfigFault) -> String {
    match fault {
        ConfigFault::PlainBeyondLoopback => {
            "edge.tls = \"off\" 时 edge.listen 只能是本机回环地址（如 127.0.0.1:8080）".to_owned()
        }
        ConfigFault::CertificateMissing => "启用 TLS 时须给出 edge.certificate 和 edge.key".to_owned(),
        ConfigFault::ZeroLimit(key) => format!("{key} 不能为 0"),
        ConfigFault::SecretTwice => "auth.pepper 与 auth.pepper_file 只能给出一个".to_owned(),
        ConfigFault::PepperShort => "auth.pepper 至少 16 个字节".to_owned(),
        ConfigFault::BusinessNow => {
            "clock.business_now 须为 RFC 3339 时刻，如 2020-03-20T09:00:00+08:00".to_owned()
        }
        ConfigFault::BasePath => {
            "edge.base_path 须为空，或如 /louan：以 / 开头、不以 / 结尾，只含字母、数字、点、横线和下划线"
                .to_owned()
        }
        ConfigFault::BackupAt => "backup.at 须为 24 小时制时刻，如 02:30".to_owned(),
        ConfigFault::LogFilter => "log.filter 无法识别，如 info 或 warn".to_owned(),
        ConfigFault::ForwardedForDirect => "edge.forwarded_for 只能与 edge.tls = \"off\" 同用".to_owned(),
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let (what, next) = match &error {
            StorageError::Ahead { .. } => {
                ("数据库由更高版本的程序生成", "数据未作任何改动。请安装同版本或更高版本的程序。")
            }
            StorageError::Damaged { .. } => {
                ("数据库中有损坏的内容", "未作任何改动。请先备份数据库文件，再由备份恢复，或联系技术支持。")
            }
            StorageError::Broken { .. } => (
                "数据库文件已损坏，或不是数据库",
                "未作任何改动。请停止服务，不要删除任何文件；用 louan doctor 查看损坏之处，由最近的备份恢复（louan restore）。",
            ),
            StorageError::Foreign => {
                ("该文件是其他程序的数据库", "未作任何改动。请检查 store.path；首次安装请换一个文件名。")
            }
            StorageError::Moved => ("数据在操作期间被他人更新", "未作任何改动。请重新执行。"),
            StorageError::Stopped => ("数据库写入已停止", "已确认收到的数据是安全的。请检查磁盘后重启服务。"),
            StorageError::Database { .. } => (
                "数据库无法使用",
                "已确认收到的数据未受影响。请检查 store.path 的路径、权限和磁盘空间后重试。",
            ),
        };
        Self::new(what, &error, next).with(4)
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Storage(error) => error.into(),
            AppError::Photos(_) => Self::new(
                "照片目录无法使用",
                &error,
                "服务未启动，数据未作任何改动。请检查 store.photos 的路径、权限和磁盘空间后重试。",
            )
            .with(4),
            AppError::Tls(_) => Self::new(
                "证书或私钥无法使用",
                &error,
                "服务未启动，数据未作任何改动。请检查 edge.certificate 与 edge.key，或用 louan tls renew 重新签发（首次安装用 louan tls init 生成）。",
            )
            .with(5),
            AppError::Listen(address, _) => Self::new(
                &format!("无法监听 {address}"),
                &error,
                "服务未启动，数据未作任何改动。请检查端口是否被占用、是否有权限。",
            )
            .with(5),
            AppError::Signal(_) => {
                Self::new("无法接收系统信号", &error, "服务未启动，数据未作任何改动。请重试；如仍失败，请联系技术支持。")
            }
            AppError::Tenancy(error) => error.into(),
            AppError::Restore(error) => error.into(),
            AppError::Executable(_) => Self::new("找不到程序自身", &error, "服务未启动，数据未作任何改动。请重新安装。"),
        }
    }
}

impl From<TenancyError> for Failure {
    fn from(error: TenancyError) -> Self {
        match &error {
            TenancyError::Taken(_) => Self::new(
                "数据库正被其他 louan 程序使用",
                &error,
                "未作任何改动。请先停止服务（systemctl stop louan），等其他 louan 命令结束后重试。",
            ),
            TenancyError::Io(..) => Self::new(
                "数据库无法使用",
                &error,
                "已确认收到的数据未受影响。请检查 store.path 的路径、权限和磁盘空间后重试。",
            )
            .with(4),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        let safe = "数据库和已有的备份未受影响。";
        let (what, next) = match &error {
            BackupError::Storage(StorageError::Ahead { .. }) => {
                ("数据库由更高版本的程序生成", "请用同版本或更高版本的程序。")
            }
            BackupError::Storage(_) => ("数据库无法读取", "请用 louan doctor 检查数据库和磁盘。"),
            BackupError::Io { .. } => ("备份文件无法读写", "请检查备份目录的路径、权限和磁盘空间后重试。"),
            BackupError::UnderWay(_) => ("该目录中正在进行另一次备份", "请等它结束。"),
            BackupError::NoBackup(_) => {
                ("没有找到完整的备份", "请检查路径；名称以 .partial 结尾的不是完整备份。")
            }
            BackupError::Manifest(..) | BackupError::Differs(_) => {
                ("备份已损坏，不能使用", "请改用另一份备份，并检查存放备份的磁盘。")
            }
            BackupError::Format(_) => ("备份由更高版本的程序生成", "请用同版本或更高版本的程序。"),
            BackupError::Damaged(_) => (
                "备份中的数据库有损坏，不算备份成功",
                "请运行 louan doctor 查看损坏之处，不要删除已有的备份。",
            ),
        };
        Self::new(what, &error, &format!("{safe}{next}"))
    }
}

impl From<RestoreError> for Failure {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Backup(error) => error.into(),
            RestoreError::Storage(error) => error.into(),
            RestoreError::NotNewest(_) => Self::new(
                "这不是最近的备份",
                &error,
                "未作任何改动。手机只保留最近一份备份之后的内容，用较旧的备份会丢失两份之间的内容。\n\
                 请改用最近的备份；确实只能用这一份时，加 --older 重新执行。",
            ),
            RestoreError::Io { .. } => Self::new(
                "文件无法移动或写入",
                &error,
                "没有删除任何文件。请检查数据目录的权限和磁盘空间，然后重新执行；已开始的恢复会自动完成。",
            ),
        }
    }
}

impl From<OfficeError> for Failure {
    fn from(error: OfficeError) -> Self {
        let fault = match error {
            OfficeError::Storage(error) => return error.into(),
            OfficeError::Fault(fault) => fault,
        };
        let what = match fault {
            OfficeFault::UnknownOrg => "没有这个单位",
            OfficeFault::UnknownPerson => "没有这个人员",
            OfficeFault::Erased => "该人员的个人信息已清除，不能恢复",
            OfficeFault::UnknownDevice => "没有这个设备",
            OfficeFault::KindChanged => "单位的类别不能更改",
            OfficeFault::NotAppointed => "该类单位不任命此岗位",
            _ => "此操作不能执行",
        };
        Self::new(what, &fault, "未作任何改动。请核对后重试。")
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let next = "账号未作任何改动。请改正后重试。";
        match error {
            AccountError::Storage(error) => error.into(),
            AccountError::Login => Self::refused("账号须为 2 至 40 个字母、数字、点、横线或下划线", next),
            AccountError::LoginTaken => Self::refused("账号已被他人使用", next),
            AccountError::Unknown => Self::refused("没有这个账号", next),
            AccountError::Password(faults) => {
                let list: Vec<String> = faults.iter().map(|fault| password_text(*fault)).collect();
                Self::refused(&format!("密码不合格：{}", list.join("；")), next)
            }
            AccountError::Busy(_) => Self::new("系统繁忙", &error, next),
        }
    }
}

fn password_text(fault: PasswordFault) -> String {
    match fault {
        PasswordFault::Length => format!("至少 {PASSWORD_CHARS_MIN} 个字符"),
        PasswordFault::Kinds => "大写、小写、数字、其他字符至少三种".to_owned(),
        PasswordFault::Login => "不能包含账号".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_happened_what_is_safe_and_what_next() {
        let error = ConfigError::UnknownKey {
            key: "edge.lisen".to_owned(),
            place: "/etc/louan/config.toml".to_owned(),
            nearest: "edge.listen",
        };
        let text = Failure::from(error).to_string();
        for part in ["edge.lisen", "/etc/louan/config.toml", "数据未作任何改动", "edge.listen"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn every_kind_of_failure_has_its_exit_code() {
        let io = || std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let address = ([127, 0, 0, 1], 1).into();
        for (failure, code) in [
            (Failure::from(ConfigError::Faults(vec![ConfigFault::PepperShort])), 3),
            (Failure::from(StorageError::Ahead { found: 9, known: 2 }), 4),
            (Failure::from(AppError::Listen(address, io())), 5),
            (Failure::from(OfficeError::from(OfficeFault::UnknownOrg)), 1),
            (Failure::from(AccountError::Password(vec![PasswordFault::Length])), 1),
        ] {
            assert_eq!(failure.code, code, "{failure}");
            assert!(failure.next.contains("未作任何改动"), "{failure}");
        }
    }
}
