//! Reading the arguments, and what is said about them: the help and the refusal of wrong ones (用法), in Chinese.
//!
//! What the arguments are stands in `args`; here only clap's own English words are replaced, and no argument is added.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory, FromArgMatches};

use super::args::Arguments;

const TEMPLATE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";
/// What clap calls the help, its switch and its command.
const HELP: &str = "help";

/// Reads the arguments as given, the program's name first.
///
/// # Errors
/// What is wrong with them, or what is to be printed instead of doing anything; for [`told`].
pub(super) fn parse(given: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(given)?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Prints the help or version asked for, or that the arguments are wrong; how the program ends.
pub(super) fn told(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let line = "参数有误。未作任何改动。请用 louan --help 查看用法。";
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn command() -> Command {
    let mut command = Arguments::command();
    // Only then clap's own switches are there, and every usage says its command's whole name.
    command.build();
    in_chinese(command)
}

fn in_chinese(command: Command) -> Command {
    let mut command = command.mut_subcommands(in_chinese).subcommand_value_name("命令");
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim_start().replace("[OPTIONS]", "[选项]");
    let is_help = command.get_name() == HELP;
    let command =
        command.override_usage(usage).help_template(TEMPLATE).subcommand_help_heading("命令").mut_args(
            |arg| {
                let heading = if arg.is_positional() { "参数" } else { "选项" };
                let arg = arg.help_heading(heading);
                if arg.get_id() == HELP { arg.help("显示帮助") } else { arg }
            },
        );
    if is_help { command.about("显示帮助") } else { command }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(command: &Command) -> Vec<Command> {
        let below = command.get_subcommands().filter(|below| below.get_name() != HELP);
        std::iter::once(command.clone()).chain(below.flat_map(all)).collect()
    }

    #[test]
    fn every_help_is_in_chinese_to_its_headings() {
        let commands = all(&command());
        assert!(commands.len() > 25, "{}", commands.len());
        for mut command in commands {
            let help = command.render_long_help().to_string();
            for english in [
                "Usage",
                "Commands:",
                "Arguments:",
                "Options:",
                "OPTIONS",
                "COMMAND",
                "Print",
                "default:",
                "possible",
            ] {
                assert!(!help.contains(english), "{english} in {help}");
            }
            assert!(help.contains("用法：louan") && help.contains("选项:"), "{help}");
            for arg in command.get_arguments() {
                let said = arg.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!said.is_ascii(), "{} of {}: {said}", arg.get_id(), command.get_name());
            }
        }
    }

    #[test]
    fn arguments_are_read_as_before() {
        let given = |words: &[&str]| parse(words.iter().map(OsString::from));
        assert!(given(&["louan", "serve", "--listen", "127.0.0.1:1"]).is_ok());
        for (words, kind, code) in [
            (&["louan", "--help"][..], ErrorKind::DisplayHelp, 0),
            (&["louan", "help", "user", "add"][..], ErrorKind::DisplayHelp, 0),
            (&["louan", "--version"][..], ErrorKind::DisplayVersion, 0),
            (&["louan"][..], ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, 2),
            (&["louan", "nonsense"][..], ErrorKind::InvalidSubcommand, 2),
            (&["louan", "unsent", "x"][..], ErrorKind::MissingRequiredArgument, 2),
        ] {
            let error = given(words).expect_err("nothing to do");
            assert_eq!((error.kind(), error.exit_code()), (kind, code), "{words:?}");
        }
    }
}
