//! Ledgers of fifty thousand lines go out in the memory that a thousand take.
//!
//! Counted is the most memory that a whole `louan export` ever had, not time. The lines are copies of one that came the
//! honest way: what is asked here is how many there are, not what they say.

mod gauge;
mod kit;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kit::{COMPANY, EPOCH, MANAGER, Phone, STREAM, accepted, district, hazard, record, round, site};
use louan_schema::id::{BuildingId, RecordId, SiteId, derived};
use louan_schema::record::Body;
use louan_schema::wire::HazardStatus;
use louan_server::storage::sqlite::{Mode, Options, Sqlite};
use rusqlite::Connection;

const FEW: u32 = 1_000;
const MANY: u32 = 50_000;
/// What fifty times as many lines may take on top: a fraction of what the lines themselves would.
const MORE_KIB_MAX: u64 = 8 * 1024;
/// Buildings of a compound: it is read as a whole.
const BUILDINGS: u32 = 250;

/// A store with so many hazards, visits and buildings.
async fn store(folder: &Path, count: u32) -> PathBuf {
    let path = folder.join(format!("{count}.sqlite"));
    let options = Options { stream: STREAM, fresh_epoch: EPOCH, mode: Mode::Inline };
    let hub = district(Arc::new(Sqlite::open(&path, options).expect("opens"))).await;
    let mut phone = Phone::enrolled(&hub, 41, MANAGER, COMPANY).await;
    let text = "楼梯间堆放杂物，疏散通道被占用，常闭式防火门敞开且闭门器损坏";
    let book = phone.book();
    let found = record(MANAGER, Body::Hazard(hazard(text)));
    let raws = [phone.write_in(book, RecordId([1; 16]), &found), phone.write(2, round(1))];
    assert!(accepted(&phone.push(&hub, &raws).await));
    drop(hub);
    grow(&mut Connection::open(&path).expect("a database"), count).expect("grows");
    path
}

fn grow(connection: &mut Connection, count: u32) -> rusqlite::Result<()> {
    let tx = connection.transaction()?;
    let read = "SELECT bytes FROM hazard_row";
    let mut status: HazardStatus =
        tx.query_row(read, [], |row| Ok(minicbor::decode(row.get_ref(0)?.as_blob()?).expect("a row")))?;
    let hazards = "INSERT INTO hazard_row SELECT ?1, site, org, state, ?2, due_on, disposed_at, pos, ?3
                   FROM hazard_row WHERE rowid = 1";
    for nth in 2..=count {
        let id = RecordId(derived("louan/test/large/hazard", &[&nth.to_be_bytes()]));
        status.reading.id = id;
        for event in &mut status.reading.events {
            event.at = event.at.plus_ms(1);
        }
        let at = status.reading.found_at().ms();
        tx.prepare_cached(hazards)?.execute((id.0, at, minicbor::to_vec(&status).expect("encodes")))?;
    }
    let rounds = "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                  INSERT INTO round_row SELECT randomblob(16), org, site, opened_at + i, complete, contested,
                  failed, buildings FROM round_row, n";
    tx.execute(rounds, [count])?;
    // What the district itself has does not count.
    for nth in 0..count / BUILDINGS {
        let id = SiteId(derived("louan/test/large/site", &[&nth.to_be_bytes()]));
        let (row, buildings) = site(id, COMPANY, 500_110_001);
        let street = row.street.number();
        let insert = "INSERT INTO site (id, street, version, pos, bytes) VALUES (?1, ?2, 1, 1, ?3)";
        tx.execute(insert, (id.0, street, minicbor::to_vec(&row).expect("encodes")))?;
        for n in 0..BUILDINGS {
            let id = BuildingId(derived("louan/test/large/building", &[&id.0, &n.to_be_bytes()]));
            let mut building = buildings[0].clone();
            building.id = id;
            let insert = "INSERT INTO building (id, site, pos, bytes) VALUES (?1, ?2, 1, ?3)";
            tx.execute(insert, (id.0, row.id.0, minicbor::to_vec(&building).expect("encodes")))?;
        }
    }
    tx.commit()
}

/// The lines of the body of a workbook that was handed out.
fn lines(path: &Path) -> usize {
    let file = std::fs::File::open(path).expect("the file");
    let mut book = zip::ZipArchive::new(file).expect("a zip");
    let mut text = String::new();
    let mut sheet = book.by_name("xl/worksheets/sheet1.xml").expect("a sheet");
    sheet.read_to_string(&mut text).expect("text");
    // The title, the header and the small print.
    text.matches("<row ").count() - 3
}

/// The peak of an export, and how many lines it wrote.
fn exported(store: &Path, what: &str) -> (u64, usize) {
    let to = store.with_extension(format!("{what}.xlsx"));
    let (who, name) = (kit::CLERK.to_string(), to.to_str().expect("plain"));
    let arguments = ["export", what, "--as", &who, "--to", name];
    let (peak, said) = gauge::gauged_command(store, &arguments);
    assert!(said.contains("已导出"), "{said}");
    (peak, lines(&to))
}

#[tokio::test]
async fn fifty_thousand_lines_go_out_in_the_memory_of_a_thousand() {
    let folder = tempfile::tempdir().expect("a folder");
    let (few, many) = (store(folder.path(), FEW).await, store(folder.path(), MANY).await);
    for what in ["hazards", "rounds", "buildings"] {
        let (small, some) = exported(&few, what);
        let (large, all) = exported(&many, what);
        assert!(some >= FEW as usize && all >= MANY as usize, "{what}: {some}, {all}");
        println!("{what}: {small} KiB for {some} lines, {large} KiB for {all}");
        assert!(large <= small + MORE_KIB_MAX, "{what}: {small} KiB, then {large} KiB");
    }
}
