//! Ingest: a change's bytes on the way that the server and its worker give every change; see `attack`.
//!
//! A crash here is a finding, told on the last line; panics inside automerge are the judge's to catch. With
//! `LOUAN_SEEDS` it first writes the inputs to begin with into that folder, before they are read.
#![no_main]

#[path = "../attack/mod.rs"]
mod attack;
#[path = "../../../server/tests/kit/mod.rs"]
mod kit;
#[path = "../../../server/tests/traps/mod.rs"]
mod traps;

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: {
        if let Some(folder) = std::env::var_os("LOUAN_SEEDS") {
            attack::seed::write_into(std::path::Path::new(&folder)).expect("the seeds can be written");
        }
        // libfuzzer aborts on any panic; the judge's are caught where they happen.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |data: &[u8]| {
        if let Err(finding) = attack::attack(data) {
            eprintln!("finding: {finding}");
            std::process::abort();
        }
    }
);
