//! The darkroom with half a gibibyte: every bomb and the largest honest pictures, in a process that has no more.
//!
//! This program starts itself again under `ulimit -v` (as the server's worker limits itself) and hands it one file
//! after the other; a file that costs more than is allowed ends the child without an answer, and the run fails. A
//! last child gets far too little, to show that the limit is felt.

#![allow(clippy::print_stdout, reason = "what it says is its answer and its report")]

#[path = "darkroom/bombs.rs"]
mod bombs;
#[path = "darkroom/make.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod make;

mod hostile {
    //! What the bombs are counted as there.
    pub(crate) type Case = (String, Vec<u8>, Option<&'static str>);
}

use std::io::{Read, Write};
use std::process::{Command, ExitCode, Stdio};

use image::RgbImage;

/// Half a gibibyte in the KiB that the shell counts in.
const LIMIT_KIB: u32 = 512 * 1024;
/// Too little for 49 megapixels.
const TOO_LITTLE_KIB: u32 = 128 * 1024;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("develop-one") {
        return child();
    }
    let mut cases: Vec<(String, Vec<u8>, Option<&str>)> = bombs::cases();
    let wide = RgbImage::new(7_000, 7_000);
    let large = make::png(&wide);
    cases.push(("png, 49 megapixels, honest".into(), large.clone(), None));
    cases.push(("jpeg, 49 megapixels, honest".into(), make::jpeg(&wide, 90), None));
    cases.push(("webp, 14 megapixels, honest".into(), make::webp(&make::pattern(4_400, 3_200, 3)), None));
    drop(wide);
    let mut failed = strangers();
    let others = failed;
    for (name, file, expected) in &cases {
        let answer = developed(file, LIMIT_KIB);
        let right = answer.as_deref() == Some(expected.unwrap_or("ok"));
        println!(
            "{}: {name}: {}",
            if right { "ok" } else { "FAILED" },
            answer.as_deref().unwrap_or("it died")
        );
        failed += usize::from(!right);
    }
    let starved = developed(&large, TOO_LITTLE_KIB);
    println!("with {TOO_LITTLE_KIB} KiB: {}", starved.as_deref().unwrap_or("it died, as it must"));
    failed += usize::from(starved.is_some());
    let passed = cases.len() + 1 - (failed - others);
    println!(
        "\ntest result: {}. {passed} passed; {failed} failed",
        if failed == 0 { "ok" } else { "FAILED" }
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every file of the folder that `LOUAN_PHOTOS` names, if it names one: a photo, or refused as none. How many failed.
fn strangers() -> usize {
    let Some(folder) = std::env::var_os("LOUAN_PHOTOS") else {
        println!("skipped: LOUAN_PHOTOS names no folder of photos; only files made here are developed");
        return 0;
    };
    let (mut folders, mut failed) = (vec![std::path::PathBuf::from(folder)], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let Ok(file) = std::fs::read(&path) else {
                folders.push(path);
                continue;
            };
            let answer = developed(&file, LIMIT_KIB);
            let right = matches!(answer.as_deref(), Some("ok" | "unsupported_image"));
            println!("{}: a stranger's file: {answer:?}", if right { "ok" } else { "FAILED" });
            failed += usize::from(!right);
        }
    }
    failed
}

/// What a child with so much memory says about a file; nothing when it died.
fn developed(file: &[u8], limit_kib: u32) -> Option<String> {
    let this = std::env::current_exe().expect("this program has a path");
    let script = format!("ulimit -v {limit_kib} && exec \"$0\" develop-one");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .arg(this)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell starts");
    // A child that dies early breaks the pipe; its silence is the answer then.
    let _ = child.stdin.take().expect("piped").write_all(file);
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned()).filter(|said| !said.is_empty())
}

fn child() -> ExitCode {
    let mut file = Vec::new();
    std::io::stdin().read_to_end(&mut file).expect("reads");
    match louan_photo::develop(&file, None) {
        Ok(photo) if photo.width.max(photo.height) <= 2_048 => println!("ok"),
        Ok(_) => println!("too large"),
        Err(refusal) => println!("{}", refusal.code()),
    }
    ExitCode::SUCCESS
}
