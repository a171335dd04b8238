//! Operations: what a clerk does with a store, and what kills, rot and wrong hands do to it.

#[path = "../kit/mod.rs"]
mod kit;

mod backups;
mod checkpoints;
mod commands;
mod doctors;
mod hand_copies;
mod house;
mod kills;
mod lists;
mod logs;
mod photos;
mod place;
#[path = "../edge_kit/proof.rs"]
mod proof;
mod restores;
mod services;
