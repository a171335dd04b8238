//! The executable: the command line and nothing else.
//!
//! What it does is in the library, so that tests and other programs can do it too.

use std::process::ExitCode;

/// Memory that is free again goes back to the machine. With the system's own allocator a server keeps, after a crew
/// came back online at once, twice what it uses. `.cargo/config.toml` sets it up.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    louan_server::cli::main()
}
