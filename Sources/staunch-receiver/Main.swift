import Foundation
import Server

@main struct Main {
  static func main() async {
    var command = ReceiverCommand(environment: ProcessInfo.processInfo.environment) { Date.now }
    exit(await command.run(Array(CommandLine.arguments.dropFirst())))
  }
}
