import ArgumentParser

/// Options that every command takes.
struct GlobalOptions: ParsableArguments {
  @Option(
    name: .long, help: "Configuration. Default: ./staunch.yaml, then $XDG_CONFIG_HOME/staunch/staunch.yaml.")
  var config: String?

  @Flag(name: .long, help: "Stable, documented JSON on standard output (docs/JSON.md).")
  var json = false

  @Flag(name: .long, help: "Only data and errors.")
  var quiet = false

  @Flag(name: .long, help: "ASCII only, no redrawn lines.")
  var plain = false

  @Flag(name: .long, help: "No colour (also: NO_COLOR, TERM=dumb, or no terminal).")
  var noColor = false

  @Flag(name: .long, help: "Never ask; fail naming the missing option instead.")
  var noInput = false

  @Option(
    name: .long,
    help: "What happens inside, on standard error (also: STAUNCH_LOG). docs/CONFIGURATION.md, Debug log.")
  var logLevel: LogLevel?
}

extension GlobalOptions {
  /// What was chosen, apart from the parser.
  var chosen: Assembly.Options {
    Assembly.Options(
      config: config, json: json, quiet: quiet, plain: plain, noColor: noColor, noInput: noInput,
      logLevel: logLevel)
  }
}
