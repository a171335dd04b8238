//! The executable: the command line and nothing else.
//!
//! What it does is in the library, so that tests and other programs can do it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    louan_server::cli::main()
}
