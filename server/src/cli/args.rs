//! Arguments, as clap reads them. What they mean is done elsewhere.

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::config::Flags;

#[derive(Debug, Parser)]
#[command(
    name = "louan",
    about = "楼安：高层建筑消防安全突出问题专项整治服务端",
    version,
    disable_version_flag = true
)]
pub(super) struct Arguments {
    /// Says the version and ends.
    #[arg(long, action = ArgAction::Version, help = "显示版本")]
    version: Option<bool>,
    /// Configuration file.
    #[arg(long, global = true, value_name = "文件", help = "配置文件，默认 /etc/louan/config.toml")]
    pub(super) config: Option<PathBuf>,
    /// `edge.listen`.
    #[arg(long, global = true, value_name = "地址:端口", help = "监听地址（edge.listen）")]
    listen: Option<String>,
    /// `edge.tls`.
    #[arg(long, global = true, value_name = "on|off", help = "是否由本程序提供 TLS（edge.tls）")]
    tls: Option<String>,
    /// `store.path`.
    #[arg(long, global = true, value_name = "文件", help = "数据库文件（store.path）")]
    store: Option<String>,
    /// `log.filter`.
    #[arg(long, global = true, value_name = "级别", help = "日志级别（log.filter）")]
    log: Option<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(about = "启动服务")]
    Serve,
    #[command(about = "建立数据库，或升级到本版本")]
    Migrate,
    #[command(about = "由变更日志重建台账（须先停止服务）")]
    Rebuild,
    #[command(about = "备份数据库和照片并当场验证（服务可以继续运行）")]
    Backup {
        #[arg(long, value_name = "目录", help = "备份目录；不给出时用配置项 backup.to")]
        to: Option<PathBuf>,
        #[arg(long, value_name = "份数", help = "只保留最近几份；不给出时全部保留")]
        keep: Option<NonZeroUsize>,
        #[arg(
            long,
            value_name = "备份",
            conflicts_with_all = ["to", "keep"],
            help = "只验证已有的备份：备份目录（最近一份）或其中一份"
        )]
        verify: Option<PathBuf>,
    },
    #[command(about = "由备份恢复（须先停止服务；原有数据移到一旁，不删除）")]
    Restore {
        #[arg(long, value_name = "备份", help = "备份目录（最近一份）或其中一份")]
        from: PathBuf,
        #[arg(long, help = "确认使用较旧的备份：此后的内容手机可能已不再保留")]
        older: bool,
    },
    #[command(about = "检查本机的安装：空间、权限、数据、备份、证书等；只查看，不改动")]
    Doctor {
        #[arg(long, help = "以 JSON 输出")]
        json: bool,
        #[arg(long, help = "照片只计数，不逐张核对")]
        quick: bool,
        #[arg(long, value_name = "目录", help = "备份目录；不给出时用配置项 backup.to")]
        backups: Option<PathBuf>,
    },
    #[command(subcommand, about = "单位")]
    Org(OrgCommand),
    #[command(subcommand, about = "人员与账号")]
    User(UserCommand),
    #[command(subcommand, about = "设备登记")]
    Enrol(EnrolCommand),
    #[command(subcommand, about = "建筑名单：读取、导入、撤销")]
    Import(ImportCommand),
    #[command(about = "读入手机导出的未上传数据包（可重复执行，已有的内容不会重复）")]
    Unsent {
        #[arg(value_name = "文件", help = "手机上“导出未上传数据包”得到的文件")]
        file: PathBuf,
        #[arg(long = "as", value_name = "账号或编号", help = "由谁带来：记入审计")]
        who: String,
    },
    #[command(about = "导出台账")]
    Export {
        #[arg(
            value_enum,
            value_name = "台账",
            hide_possible_values = true,
            help = "hazards（火灾隐患台账）、rounds（检查台账）或 buildings（建筑台账）"
        )]
        what: ExportWhat,
        #[arg(long = "as", value_name = "账号或编号", help = "以谁的名义导出：只含其数据范围内的内容")]
        who: String,
        #[arg(long, value_name = "文件", help = "写入的文件，格式由扩展名决定：.xlsx、.geojson、.gpkg")]
        to: PathBuf,
        #[arg(long, value_name = "街镇", help = "只导出一个街镇，代码或名称")]
        street: Option<String>,
        #[arg(
            long,
            value_name = "状态",
            help = "只导出一种状态的隐患，如 reported（待核实）、rectifying（整改中）"
        )]
        state: Option<String>,
        #[arg(long, value_name = "日期", help = "只导出该日及以前开始的检查，如 2020-03-20")]
        until: Option<String>,
        #[arg(long, value_name = "坐标系", help = "地图文件的坐标系：wgs84（默认）、cgcs2000、gcj02、bd09")]
        datum: Option<String>,
    },
    #[command(subcommand, about = "证书")]
    Tls(TlsCommand),
    #[command(subcommand, about = "配置")]
    Config(ConfigCommand),
    #[command(about = "审核进程（由服务自动启动）", hide = true)]
    Worker,
    #[command(about = "显示版本")]
    Version,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    #[command(about = "新增或更正单位")]
    Add {
        #[arg(long, value_name = "代码", help = "单位代码，全系统唯一，如 street-500110001")]
        code: String,
        #[arg(
            long,
            value_name = "类别",
            help = "单位类别代码，如 street、office、brigade、property_manager"
        )]
        kind: String,
        #[arg(long, value_name = "名称", help = "单位名称")]
        name: String,
        #[arg(long, value_name = "街镇代码", help = "只在一个街镇工作的单位填写")]
        street: Option<String>,
    },
    #[command(about = "列出单位")]
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    #[command(about = "新增人员；给出 --login 时同时开通账号")]
    Add {
        #[arg(long, value_name = "单位", help = "单位代码或编号")]
        org: String,
        #[arg(long, value_name = "岗位", help = "岗位代码，如 street、office、grid_worker")]
        role: String,
        #[arg(long, value_name = "姓名", help = "显示的姓名")]
        name: String,
        #[arg(long, value_name = "账号", help = "登录账号（工号）")]
        login: Option<String>,
        #[arg(long, help = "从标准输入读取密码；不给出时生成初始密码", requires = "login")]
        password_stdin: bool,
    },
    #[command(about = "列出人员与账号；姓名只显示姓氏")]
    List {
        #[arg(long, help = "显示全名；查看会记入审计")]
        names: bool,
    },
    #[command(about = "重设密码，原有登录立即失效")]
    Password {
        #[arg(value_name = "账号", help = "登录账号")]
        login: String,
        #[arg(long, help = "从标准输入读取密码；不给出时生成初始密码")]
        password_stdin: bool,
    },
    #[command(about = "清除个人信息：姓名、账号与登录一并删除，不可恢复")]
    Erase {
        #[arg(value_name = "账号或编号", help = "登录账号或人员编号")]
        who: String,
        #[arg(long, required = true, help = "确认不可恢复")]
        irrevocably: bool,
    },
    #[command(about = "停用人员及其账号，登录立即失效")]
    Disable {
        #[arg(value_name = "账号或编号", help = "登录账号或人员编号")]
        who: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum EnrolCommand {
    #[command(about = "发放登记码，24 小时内有效，只能使用一次")]
    New {
        #[arg(value_name = "账号或编号", required = true, help = "使用该设备的人员")]
        people: Vec<String>,
    },
}

/// Which ledger is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportWhat {
    Hazards,
    Rounds,
    Buildings,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    #[command(about = "读取名单（xlsx、csv、GeoJSON），显示将新增、更新、重复和错误的内容；不导入")]
    Read {
        #[arg(value_name = "文件", help = "建筑名单")]
        file: PathBuf,
        #[arg(long = "as", value_name = "账号或编号", help = "以谁的名义导入")]
        who: String,
        #[arg(long, value_name = "街镇", help = "名单未写街镇时使用，代码或名称")]
        street: Option<String>,
        #[arg(long = "use", value_name = "使用性质", help = "名单未写使用性质时使用，如 residential")]
        building_use: Option<String>,
        #[arg(long, value_name = "坐标系", help = "名单未写坐标系时使用：wgs84、cgcs2000、gcj02、bd09")]
        datum: Option<String>,
        #[arg(long, value_name = "文件", help = "把有错误的行和原因写入工作簿")]
        errors: Option<PathBuf>,
    },
    #[command(about = "按读取的结果导入")]
    Commit {
        #[arg(value_name = "导入编号", help = "读取名单后显示的编号")]
        import: String,
        #[arg(long = "as", value_name = "账号或编号", help = "以谁的名义导入")]
        who: String,
    },
    #[command(about = "撤销一次导入：此后无人改动的恢复原状")]
    Undo {
        #[arg(value_name = "导入编号", help = "读取名单后显示的编号")]
        import: String,
        #[arg(long = "as", value_name = "账号或编号", help = "以谁的名义撤销")]
        who: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TlsCommand {
    #[command(about = "检查配置的证书与私钥能否使用、何时过期")]
    Check,
    #[command(about = "生成自有根证书和服务器证书")]
    Init {
        #[arg(
            long,
            value_name = "目录",
            default_value = "/etc/louan/tls",
            hide_default_value = true,
            help = "存放位置，默认 /etc/louan/tls"
        )]
        dir: PathBuf,
        #[arg(long, value_name = "域名", help = "服务器域名，可重复")]
        name: Vec<String>,
        #[arg(long, value_name = "地址", help = "服务器地址，可重复")]
        ip: Vec<IpAddr>,
    },
    #[command(about = "用原有的自有根证书重新签发服务器证书（手机和电脑不用重新安装根证书）")]
    Renew {
        #[arg(
            long,
            value_name = "目录",
            default_value = "/etc/louan/tls",
            hide_default_value = true,
            help = "证书所在目录，默认 /etc/louan/tls"
        )]
        dir: PathBuf,
        #[arg(long, value_name = "域名", help = "服务器域名，可重复；不给出时与现有证书相同")]
        name: Vec<String>,
        #[arg(long, value_name = "地址", help = "服务器地址，可重复；不给出时与现有证书相同")]
        ip: Vec<IpAddr>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    #[command(about = "检查配置")]
    Check,
    #[command(about = "显示生效的配置（隐去密钥）")]
    Show,
}

impl Arguments {
    /// The flags that stand for keys of the configuration.
    pub(super) fn flags(&self) -> Flags {
        [
            ("edge.listen", &self.listen),
            ("edge.tls", &self.tls),
            ("store.path", &self.store),
            ("log.filter", &self.log),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.clone()?)))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent_and_flags_stand_for_known_keys() {
        Arguments::command().debug_assert();
        let given =
            ["louan", "serve", "--listen", "127.0.0.1:1", "--tls", "off", "--store", "x", "--log", "warn"];
        let flags = Arguments::try_parse_from(given).expect("arguments").flags();
        assert_eq!(flags.len(), 4);
        assert!(flags.iter().all(|(key, _)| crate::config::Key::find(key).is_some()));
    }

    #[test]
    fn a_password_is_never_an_argument() {
        let command = Arguments::command();
        let user = command.find_subcommand("user").and_then(|c| c.find_subcommand("add")).expect("user add");
        let password = user.get_arguments().find(|a| a.get_id() == "password_stdin").expect("the switch");
        assert!(!password.get_action().takes_values(), "arguments can be read by every user of the machine");
    }
}
