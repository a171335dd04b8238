//! The child that is killed: tells the fixed story from a folder, to its end or to its death.
//!
//! `FOLDER list SIDE` tells it undisturbed and prints the name of every write of one side;
//! `FOLDER die SIDE before|after N honest|hasty` aborts at the Nth of them; `FOLDER finish`
//! tells the rest. What is promised on the way is printed at once. It judges nothing.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::path::Path;

use super::script::Story;
use super::{Manner, Side};
use crate::cut::promise::Promise;
use crate::vfs::Blow;

/// Does what the command line says; whether there was anything to do.
#[must_use]
pub fn play(words: &[&str]) -> bool {
    match *words {
        [folder, "list", side] => Side::named(side).map(|side| list(folder, side)),
        [folder, "die", side, when, write, manner] => Side::named(side)
            .zip(write.parse().ok())
            .map(|(side, write)| die(folder, side, when == "before", write, manner)),
        [folder, "finish"] => {
            Story::open(Path::new(folder), Manner::Honest, say).tell();
            Some(())
        }
        _ => None,
    }
    .is_some()
}

/// A whole line at once: standard output is flushed at each, so what was said outlives who said it.
fn say(promise: Promise) {
    println!("{promise}");
}

fn list(folder: &str, side: Side) {
    let mut story = Story::open(Path::new(folder), Manner::Honest, drop);
    story.disk(side).list_names();
    story.tell();
    // What closing the files writes is no part of the list: nobody is told anything after it.
    story.disk(side).names().iter().for_each(|name| println!("{name}"));
}

fn die(folder: &str, side: Side, before: bool, write: u64, manner: &str) {
    let manner = if manner == "hasty" { Manner::Hasty } else { Manner::Honest };
    let mut story = Story::open(Path::new(folder), manner, say);
    let write = story.disk(side).ops() + write;
    let blow = if before { Blow::AbortBefore(write) } else { Blow::AbortAfter(write) };
    story.disk(side).strike(Some(blow));
    story.tell();
}
