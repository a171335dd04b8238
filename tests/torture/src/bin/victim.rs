//! The child that is killed: tells the fixed story from a folder, to its end or to its death.
//!
//! `victim FOLDER list SIDE` tells it undisturbed and prints the name of every write of one
//! side; `victim FOLDER die SIDE before|after N` aborts at the Nth of them; `victim FOLDER
//! finish` tells the rest. It judges nothing.

use std::path::Path;
use std::process::ExitCode;

use torture::kill::Side;
use torture::kill::script::Story;
use torture::vfs::Blow;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [folder, "list", side] => list(folder, side_of(side)),
        [folder, "die", side, when, write] => die(folder, side_of(side), when, write),
        [folder, "finish"] => Story::open(Path::new(folder)).tell(),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

fn side_of(word: &str) -> Side {
    if word == Side::Phone.name() { Side::Phone } else { Side::Office }
}

#[allow(clippy::print_stdout, reason = "the list is this program's output")]
fn list(folder: &str, side: Side) {
    let mut story = Story::open(Path::new(folder));
    story.disk(side).list_names();
    story.tell();
    // What closing the files writes is no part of the list: nobody is told anything after it.
    story.disk(side).names().iter().for_each(|name| println!("{name}"));
}

fn die(folder: &str, side: Side, when: &str, write: &str) {
    let mut story = Story::open(Path::new(folder));
    let write = story.disk(side).ops() + write.parse::<u64>().unwrap_or(1);
    let blow = if when == "before" { Blow::AbortBefore(write) } else { Blow::AbortAfter(write) };
    story.disk(side).strike(Some(blow));
    story.tell();
}
