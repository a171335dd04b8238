//! Writes the JavaScript module around a compiled web core: `louan-web-bind <core.wasm> <folder>`.
//!
//! What `wasm-bindgen --target web` does, from the library that tool itself is made of, because installing the
//! tool takes four times as long. Decides nothing about what the core offers.

use std::env::args_os;
use std::path::PathBuf;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = args_os().skip(1).map(PathBuf::from).collect();
    let [core, folder] = &paths[..] else {
        eprintln!("usage: louan-web-bind <core.wasm> <folder>");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(core).typescript(true).omit_default_module_path(false).remove_producers_section(true);
    match bindgen.web(true).and_then(|bindgen| bindgen.generate(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no JavaScript was written for {}: {error:#}", core.display());
            ExitCode::FAILURE
        }
    }
}
