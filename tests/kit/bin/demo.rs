//! `make demo`: the product on this machine, with a slice of the real inspections, told so
//! that a person can follow it.
//!
//! Nothing here is prepared: what is printed at the end is asked of the running server, over
//! HTTPS, by the account that a reader may sign in with afterwards.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::io::{IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use kit::demo::{
    Account, Cleared, Crew, Desk, Folder, Office, Played, Running, Staff, Step, Trouble, Week, Year, set_up,
    table,
};
use kit::replay::Source;
use louan_schema::time::Day;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The campaign's first day.
const FIRST_DAY: &str = "2020-01-21";
/// Lines of the ledger shown.
const LINES_SHOWN: usize = 8;

#[derive(Debug, Parser)]
#[command(name = "demo", about = "楼安演示：真实检查数据经手机、审核、核实和销号、台账到累计统计")]
struct Arguments {
    /// Buildings of each street.
    #[arg(long, value_name = "栋", default_value_t = 2, help = "每个街镇取多少栋建筑")]
    buildings: usize,
    /// The last day played.
    #[arg(long, value_name = "日期", default_value = "2020-06-30", help = "演示到哪一天")]
    until: Day,
    /// The port; 0 takes a free one.
    #[arg(long, value_name = "端口", default_value_t = 8443, help = "监听端口，0 表示任选空闲端口")]
    port: u16,
    /// The folder, emptied first.
    #[arg(long, value_name = "目录", help = "数据文件夹（每次清空重来），默认 .louan/demo")]
    folder: Option<PathBuf>,
    /// Serve until told to end, terminal or not.
    #[arg(long, conflicts_with = "end", help = "显示后继续服务，直到按回车或 Ctrl-C")]
    stay: bool,
    /// End after printing.
    #[arg(long, help = "显示后自动结束")]
    end: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = arguments.folder.clone().unwrap_or_else(default_folder);
    match run(&arguments, &folder).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            let own = folder.display();
            eprintln!("\n演示没有完成：{trouble}\n演示只使用自己的文件夹 {own}，别处的数据不受影响。");
            ExitCode::FAILURE
        }
    }
}

fn default_folder() -> PathBuf {
    // The folder above the sources of the tests: the checkout, wherever one stands.
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).join(".louan/demo")
}

async fn run(arguments: &Arguments, folder: &Path) -> Step<()> {
    let mut stop = Stop::listen()?;
    let (running, _held) = tokio::select! {
        // Dropped half way, the server is killed with it: its store survives that.
        () = stop.asked() => return Err(Trouble::new("中途被停止", "要重新看，请再次运行 make demo。")),
        shown = show(arguments, folder) => shown?,
    };
    finish(arguments, running, stop).await
}

/// Everything up to the last line printed; the service goes on, and its folder is nobody else's until it ends.
async fn show(arguments: &Arguments, path: &Path) -> Step<(Running, Folder)> {
    println!("楼安 · 高层建筑消防安全突出问题专项整治（演示）\n");
    let source = source(arguments)?;
    let address = free_address(arguments.port)?;
    let (folder, cleared) = Folder::take(path)?;
    let note =
        if cleared == Cleared::Earlier { "（上次演示的数据已清空，从头开始）" } else { "" };
    println!("1  准备  数据文件夹 {}{note}", path.display());
    let office = Office::furnish(&folder, address)?;
    let root = office.make_certificate().await?;
    println!("   证书  自签名根证书和服务器证书已生成");
    println!("   人员  用管理命令逐一录入 65 个单位、86 名人员，开通账号，发放手机登记码");
    let mut bar = Bar::new("   已执行命令");
    let staff = set_up(&office, &mut |done, all| bar.show(done, all)).await?;
    bar.end();
    let Staff { office: clerk, brigade, streets } = staff;
    let accounts = accounts(&clerk, &brigade, &streets);

    let first_day: Day = FIRST_DAY.parse().map_err(|e| Trouble::odd(format!("{FIRST_DAY}: {e}")))?;
    let running = office.serve(first_day.start()).await?;
    println!("   服务  {} 已启动（TLS，审核由单独的进程进行）\n", office.url());
    println!("2  在册  21 个街镇，{} 栋建筑（真实检查数据；地址与人员均非本地）", source.streets.len());
    let phones = folder.inner("phones")?;
    let mut year =
        Year::open((office.url(), root.clone()), phones, streets, &source, first_day.start()).await?;
    println!("   手机  {} 部已凭登记码经 HTTPS 登记（每个街镇物业 2 部、派出所 1 部）\n", year.phone_count());

    println!(
        "3  每周  平时检查，手机无信号；周五 18 时同步、核实、复查、销号。服务端每周重启一次，并把时钟调到当周"
    );
    let running = play(&office, &mut year, running, Week::all(first_day, arguments.until)).await?;
    println!("   手机共联网 {} 次；手机上未送达、暂存或退回的内容 {} 条\n", year.trips(), year.unsettled()?);

    let mut desk = Desk::new(&office.url(), &root, clerk)?;
    let before = desk.month(arguments.until).await?;
    running.stop().await?;
    let said = office.run(&["rebuild"]).await?;
    let running = office.serve(Week::ending(arguments.until).until).await?;
    let month = desk.month(arguments.until).await?;
    if month != before {
        return Err(Trouble::odd("由原始记录重建的台账与逐笔形成的台账数字不一致"));
    }
    println!("4  核对  {}\n   重建前后，21 个街镇的数字逐一相同\n", said.trim());
    let lines = desk.lines(&format!("page_size={LINES_SHOWN}")).await?;
    let (total, shown) = (lines.total, lines.rows.len());
    println!("5  火灾隐患台账（共 {total} 条，最近发现的 {shown} 条）\n{}", table::ledger(&lines.rows));
    println!("6  整治情况累计统计（自整治开始，截至 {} 24时）\n{}", arguments.until, table::month(&month));
    println!("7  看一看\n   地址  {}/", office.url());
    let authority = folder.at("tls/root.pem");
    println!("   演示使用自签名证书，浏览器会提示不受信任：选择继续，或先导入 {}", authority.display());
    println!("{accounts}");
    Ok((running, folder))
}

/// The accounts worth a look: who reads everything, and one street's.
fn accounts(clerk: &Account, brigade: &Account, streets: &[Crew]) -> String {
    let first = streets.first().into_iter().flat_map(|crew| [&crew.clerk, &crew.officer]);
    let mut text = table::accounts(&[clerk, brigade].into_iter().chain(first).collect::<Vec<_>>());
    if let Some(crew) = streets.get(1) {
        let (street, police) = (&crew.clerk.login, &crew.officer.login);
        text.push_str(&format!(
            "   其余街镇同样各有经办、民警账号（如 {street}、{police}）。密码只显示这一次。\n"
        ));
    }
    text
}

/// The slice: so many buildings of every street, and what happened to them until the last evening.
fn source(arguments: &Arguments) -> Step<Source> {
    let data = |what| Trouble::new(what, "没有改动任何文件。请用完整的代码库重试。");
    let evening = Week::ending(arguments.until).until;
    let source = Source::load().map_err(data)?.slice(arguments.buildings).before(evening);
    if source.visits.is_empty() {
        let what = format!("到 {} 为止没有任何检查", arguments.until);
        return Err(Trouble::new(what, "没有改动任何文件。请选 2020-01-21 之后的日期，栋数至少为 1。"));
    }
    Ok(source)
}

/// An address nobody listens on, looked for before anything is made.
fn free_address(port: u16) -> Step<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|l| l.local_addr());
    listener.map_err(|e| {
        Trouble::new(
            format!("端口 {port} 不能使用（{e}）"),
            "没有改动任何文件。可能另一个演示还开着：请先结束它，或换一个端口：make demo ARGS=\"--port 9443\"。",
        )
    })
}

/// Plays week after week, the service started anew for each, and tells month after month.
async fn play(office: &Office, year: &mut Year, running: Running, weeks: Vec<Week>) -> Step<Running> {
    let mut running = Some(running);
    let mut bar = Bar::new("   本月");
    let mut month = Played::default();
    for (n, week) in weeks.iter().enumerate() {
        if let Some(running) = running.take() {
            running.stop().await?;
        }
        running = Some(office.serve(week.until).await?);
        month += year.play(*week).await?;
        bar.show(n + 1, weeks.len());
        if weeks.get(n + 1).is_none_or(|next| next.month() != week.month()) {
            bar.clear();
            println!(
                "   {}  检查 {:>3} 次（两人同填 {:>2} 次），登记隐患 {:>3} 条，核实 {:>3} 条，销号 {:>3} 条",
                week.month(),
                month.visits,
                month.together,
                month.hazards,
                month.confirmed,
                month.closed
            );
            month = Played::default();
        }
    }
    running.ok_or_else(|| Trouble::odd("没有一周可演示"))
}

/// Serves on where somebody is there to look, and ends by itself where nobody is.
async fn finish(arguments: &Arguments, mut running: Running, mut stop: Stop) -> Step<()> {
    let stay = arguments.stay || (!arguments.end && std::io::stdin().is_terminal());
    if stay {
        println!("服务继续运行。看完后按回车（或 Ctrl-C）结束；数据留在文件夹里，下次演示时清空。");
        let mut enter = key_press();
        tokio::select! {
            // A key press that ends this program reaches the server as well.
            biased;
            () = stop.asked() => {}
            Some(()) = enter.recv() => {}
            () = running.ended() => return Err(Trouble::odd("服务端自行结束了")),
        }
    } else {
        println!("没有人在终端前，演示到此自动结束。要打开网页看，请在终端里运行 make demo，或加 --stay。");
    }
    running.stop().await?;
    println!("演示已结束。`make replay` 用全部 9,648 次检查与独立统计核对；`make help` 列出其余命令。");
    Ok(())
}

/// Tells when Enter was pressed. On a thread of its own, which the end of the program does not wait for.
fn key_press() -> tokio::sync::mpsc::Receiver<()> {
    let (pressed, press) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        let read = std::io::stdin().read_line(&mut String::new());
        // An input that has ended is nobody's key, unless it was ended at a terminal.
        if read.is_ok_and(|bytes| bytes > 0) || std::io::stdin().is_terminal() {
            let _ = pressed.blocking_send(());
        }
    });
    press
}

/// Somebody wants this program to end.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> Step<Self> {
        let odd = |e: std::io::Error| Trouble::odd(format!("不能接收停止信号：{e}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(odd)?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate()).map_err(odd)? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// A line that counts up where there is a terminal, and says itself once at the end where there is none.
struct Bar {
    label: &'static str,
    terminal: bool,
    last: (usize, usize),
}

impl Bar {
    fn new(label: &'static str) -> Self {
        Self { label, terminal: std::io::stderr().is_terminal(), last: (0, 0) }
    }

    fn show(&mut self, done: usize, all: usize) {
        self.last = (done, all);
        if self.terminal {
            eprint!("\r{} {done}/{all}", self.label);
            // A progress that cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
        }
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[2K");
        }
    }

    fn end(self) {
        self.clear();
        println!("{} {}/{}", self.label, self.last.0, self.last.1);
    }
}
