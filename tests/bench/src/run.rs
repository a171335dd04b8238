//! One workload after another: set on a rig, played on a copy over each link, measured.
//!
//! The rig is made where writing is cheap; copies stand on the disk to be measured. Phones
//! play on the calling thread, links on a thread of their own, the server in processes of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use louan_schema::time::Timestamp;
use p256::ecdsa::SigningKey;
use tokio::runtime::{Builder, Runtime};

use crate::gauge::{disk_bytes, forget_peak, used_by};
use crate::host::Host;
use crate::line::{Line, Station, Trips};
use crate::outcome::Outcome;
use crate::rig::{PHONES, Rig, SERVER, Scene, copy};
use crate::shaper::{Carried, Link, Quality};
use crate::workload::{Players, Watch, Workload};

/// Longest a run may take over a link; what was measured until then is told, and that it was not the end.
const RUN_MAX: Duration = Duration::from_secs(15 * 60);

/// What is played, where.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The workloads, in order.
    pub workloads: Vec<Workload>,
    /// The links each is played over, where it is about links.
    pub links: Vec<Quality>,
    /// A folder on the disk to be measured.
    pub folder: PathBuf,
    /// A folder where rigs are made.
    pub rigs: PathBuf,
}

/// Plays everything; `progress` is told what is going on.
///
/// # Errors
/// When files, ports or processes cannot be had.
pub fn all(plan: &Plan, mut progress: impl FnMut(String)) -> io::Result<Vec<Outcome>> {
    let phones = Builder::new_current_thread().enable_all().build()?;
    let links = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut outcomes = Vec::new();
    for workload in &plan.workloads {
        let name = workload.name();
        let begun = Instant::now();
        let made = tempfile::Builder::new().prefix("rig").tempdir_in(&plan.rigs)?;
        let (mut scene, tokens) = phones.block_on(async {
            let rig = Rig::at(made.path()).await;
            let mut scene = workload.set(&rig).await;
            let tokens = rig.tokens(&scene.devices(), system_now()).await;
            (scene, tokens)
        });
        scene.close();
        progress(format!("{name}: set in {:.1} s", begun.elapsed().as_secs_f64()));
        for quality in plan.links.iter().filter(|q| **q == Quality::LOOPBACK || workload.is_about_links()) {
            let begun = Instant::now();
            let run = tempfile::Builder::new().prefix("run").tempdir_in(&plan.folder)?;
            copy(made.path(), run.path())?;
            let outcome = play(
                workload,
                &Set { scene: &scene, tokens: &tokens },
                *quality,
                run.path(),
                (&phones, &links),
            )?;
            progress(format!("{name} over {}: {:.1} s", quality.name(), begun.elapsed().as_secs_f64()));
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

/// What was made ready.
struct Set<'a> {
    scene: &'a Scene,
    /// By device, phones first.
    tokens: &'a [String],
}

fn play(
    workload: &Workload,
    set: &Set<'_>,
    quality: Quality,
    folder: &Path,
    (phones, links): (&Runtime, &Runtime),
) -> io::Result<Outcome> {
    let host = Host::start(folder)?;
    let (mut players, opened) = cast(set, &host, quality, folder, links)?;
    let server_disk_bytes_before = disk_bytes(&folder.join(SERVER));
    forget_peak(host.pid());
    forget_peak(std::process::id());
    let (before, carried_before) = (used_by(host.pid()), carried(&opened));
    let mut watch = Watch::default();
    let acted = phones.block_on(async {
        tokio::time::timeout(RUN_MAX, workload.act(set.scene, &mut players, &mut watch)).await
    });
    let finished = acted.is_ok();
    watch.stop();
    let (after, carried_after) = (used_by(host.pid()), carried(&opened));
    let trips = players.trips();
    Ok(Outcome {
        workload: workload.name(),
        link: quality.name(),
        finished,
        wall_ms: watch.wall.as_secs_f64() * 1_000.0,
        trips: trips.trips,
        cut_off: trips.cut_off,
        up_body_bytes: trips.up_bytes,
        down_body_bytes: trips.down_bytes,
        up_wire_bytes: carried_after.up_bytes - carried_before.up_bytes,
        down_wire_bytes: carried_after.down_bytes - carried_before.down_bytes,
        connections: carried_after.connections,
        server_cpu_ms: after.cpu_ms - before.cpu_ms,
        workers_cpu_ms: after.children_cpu_ms - before.children_cpu_ms,
        client_cpu_ms: watch.cpu.as_secs_f64() * 1_000.0,
        server_peak_rss_kib: after.peak_rss_kib,
        worker_peak_rss_kib: after.child_peak_rss_kib,
        phones_peak_rss_kib: used_by(std::process::id()).peak_rss_kib,
        server_disk_bytes: disk_bytes(&folder.join(SERVER)),
        server_disk_bytes_before,
        client_disk_bytes: disk_bytes(&folder.join(PHONES)),
        more: acted.unwrap_or_default(),
    })
}

/// Everybody in place, each with a client and a link of his own.
fn cast(
    set: &Set<'_>,
    host: &Host,
    quality: Quality,
    folder: &Path,
    links: &Runtime,
) -> io::Result<(Players, Vec<Link>)> {
    let mut opened = Vec::new();
    let mut tokens = set.tokens.iter().cloned();
    let mut line = |key: &SigningKey| -> io::Result<Line> {
        let link = links.block_on(Link::open(host.address, quality))?;
        let origin = format!("https://{}", link.address);
        let token = tokens.next().unwrap_or_default();
        opened.push(link);
        Ok(Line::Https { client: Line::client(&host.authority_pem), origin, token, key: key.clone() })
    };
    let mut players = Players { stations: Vec::new(), pens: Vec::new(), pen_trips: Trips::default() };
    for seat in &set.scene.seats {
        let handset = seat.reopened(folder);
        let line = line(handset.key())?;
        players.stations.push(Station::new(handset, line));
    }
    for pen in &set.scene.pens {
        players.pens.push((pen.clone(), line(pen.key())?));
    }
    Ok((players, opened))
}

fn system_now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn carried(links: &[Link]) -> Carried {
    links.iter().map(Link::carried).fold(Carried::default(), |all, one| Carried {
        up_bytes: all.up_bytes + one.up_bytes,
        down_bytes: all.down_bytes + one.down_bytes,
        connections: all.connections + one.connections,
    })
}
