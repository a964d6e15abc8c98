//! Prints the description of the API, as the routes of every function tell it. `cargo xtask openapi` keeps it.

#![expect(clippy::print_stdout, reason = "it is what is asked for")]

fn main() {
    print!("{}", tests::description());
}
