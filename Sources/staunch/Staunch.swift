import Commands

/// The command line. Everything is in `Commands`.
@main
struct Main {
  static func main() async { await Staunch.start() }
}
