//! The `fleet` binary.

fn main() -> std::process::ExitCode {
    fleet::cli::main()
}
