//! Writes the bindings around a compiled library: `louan-mobile-bind <python|kotlin|swift> <library> <folder>`.
//!
//! What UniFFI's own command does, without its command line and its look at cargo's metadata. Decides nothing
//! about what the library offers.

use std::env::args;
use std::process::ExitCode;

use uniffi_bindgen::bindings::{GenerateOptions, TargetLanguage, generate};

fn main() -> ExitCode {
    let words: Vec<String> = args().skip(1).collect();
    let language = match words.first().map(String::as_str) {
        Some("python") => Some(TargetLanguage::Python),
        Some("kotlin") => Some(TargetLanguage::Kotlin),
        Some("swift") => Some(TargetLanguage::Swift),
        _ => None,
    };
    let (Some(language), [_, library, folder]) = (language, &words[..]) else {
        eprintln!("usage: louan-mobile-bind <python|kotlin|swift> <library> <folder>");
        return ExitCode::from(2);
    };
    let options = GenerateOptions {
        languages: vec![language],
        source: library.into(),
        out_dir: folder.into(),
        ..GenerateOptions::default()
    };
    match generate(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no bindings were written for {library}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
