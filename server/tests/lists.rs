//! Real footprints and hostile files, read by real workers.

use std::path::PathBuf;

use louan_schema::area::StreetCode;
use louan_schema::code::{BuildingUse, Datum, OrgKind, RegistryState};
use louan_schema::id::OrgId;
use louan_schema::registry::Org;
use louan_server::import::{Defaults, Outcome, Registry, plan, read};
use louan_server::table::{ReadTable, TableFault};
use louan_server::worker::Pool;

fn pool() -> Pool {
    Pool::new(PathBuf::from(env!("CARGO_BIN_EXE_louan")), 2)
}

/// 3,076 real footprints (see `tests/data/README.md`).
fn footprints() -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/footprints.geojson.zst");
    zstd::decode_all(std::fs::File::open(path).expect("the file")).expect("whole")
}

#[tokio::test]
async fn of_3076_footprints_32_are_candidates_and_the_rest_are_refused_with_the_reason() {
    let table = pool().read_table(footprints()).await.expect("a worker").expect("a table");
    let street = StreetCode::new(500_110_001);
    let defaults =
        Defaults { street, building_use: Some(BuildingUse::Residential), datum: Some(Datum::Wgs84) };
    let found = read(&table, &defaults).expect("a header");
    let org =
        Org { id: OrgId([1; 16]), kind: OrgKind::Street, name: "古南街道办事处".to_owned(), street };
    let plan = plan(&found, &Registry { sites: Vec::new(), orgs: vec![org] });
    assert_eq!((plan.count(Outcome::New), plan.refused(), plan.outcomes.len()), (32, 3_044, 32));
    let rows: Vec<_> = plan.entries.iter().flat_map(|entry| &entry.buildings).collect();
    assert!(
        rows.iter()
            .all(|row| row.height_cm.is_some_and(|cm| cm > 2_700) && row.state == RegistryState::Unverified)
    );
    let corners: Vec<usize> =
        rows.iter().filter_map(|row| row.footprint.as_ref().map(|outline| outline.corners().len())).collect();
    assert_eq!(corners.len(), 32, "each with its outline");
    assert!(corners.iter().any(|corners| *corners > 4), "{corners:?}");
    let limit = |reason: &str| reason.ends_with("不超过 27 米，不属于高层住宅建筑");
    assert!(plan.faults.iter().all(|fault| limit(&fault.reason)), "{:?}", plan.faults.first());
    assert_eq!(
        plan.faults.iter().filter(|fault| fault.reason.starts_with("高 27 米，")).count(),
        6,
        "27.0 m is none"
    );
    assert!(plan.notices.iter().filter(|notice| notice.reason.contains("不在本区范围内")).count() >= 32);
    assert!(plan.faults.iter().chain(&plan.notices).all(|remark| remark.column.is_none()));
}

#[tokio::test]
async fn a_file_that_costs_too_much_costs_its_worker_and_the_next_one_is_read() {
    // A hundred thousand merged regions over everything there is: small, and endless to spread.
    let mut sheet = String::from("<sheetData>");
    for row in 1..=20_000 {
        sheet.push_str(&format!(
            "<row r=\"{row}\"><c r=\"A{row}\"><v>1</v></c><c r=\"CV{row}\"><v>1</v></c></row>"
        ));
    }
    sheet.push_str("</sheetData><mergeCells>");
    for _ in 0..100_000 {
        sheet.push_str("<mergeCell ref=\"A1:CV20000\"/>");
    }
    sheet.push_str("</mergeCells>");
    let costly = workbook(&sheet);
    let pool = pool();
    assert_eq!(pool.read_table(costly).await, Ok(Err(TableFault::TooCostly)));
    let honest = workbook("<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row></sheetData>");
    assert!(pool.read_table(honest).await.expect("a worker").is_ok());
}

/// An honest workbook whose one sheet has this in it.
fn workbook(cells: &str) -> Vec<u8> {
    use std::io::{Cursor, Read, Write};
    let mut honest = rust_xlsxwriter::Workbook::new();
    honest.add_worksheet().write(0, 0, 1).expect("writes");
    let honest = honest.save_to_buffer().expect("a workbook");
    let mut archive = zip::ZipArchive::new(Cursor::new(honest)).expect("a zip");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // Stored as it is: how well it packs is not what is looked at here.
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).expect("an entry");
        let (name, mut text) = (entry.name().expect("a name").to_string(), String::new());
        entry.read_to_string(&mut text).expect("text");
        if name.ends_with("sheet1.xml") {
            let (begin, rest) = text.split_once("<sheetData>").expect("cells");
            let (_, end) = rest.split_once("</sheetData>").expect("their end");
            text = format!("{begin}{cells}{end}");
        }
        zip.start_file(name, options).expect("begins");
        zip.write_all(text.as_bytes()).expect("writes");
    }
    zip.finish().expect("ends").into_inner()
}
