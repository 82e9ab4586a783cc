import ArgumentParser
import BuiltinContent
import Foundation

/// `staunch init`: writes a commented staunch.yaml.
struct InitCommand: StaunchCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Write a commented staunch.yaml. Never overwrites one.")

  @Argument(help: "Where; default: ./staunch.yaml.") var path = "staunch.yaml"
  @OptionGroup var global: GlobalOptions

  func run(in assembly: Assembly) async throws {
    guard let template = BuiltinContent.template("templates/staunch.yaml") else {
      throw CommandFailure(
        .failed, "cannot write staunch.yaml", because: "this build holds no template for it")
    }
    let file = assembly.absolute(path)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let exists = errno == EEXIST
      throw CommandFailure(
        exists ? .declined : .unavailable, "cannot write \(harmless(path))",
        because: exists ? "it exists already" : String(cString: strerror(errno)).lowercased(),
        fix: exists
          ? "edit it, or name another file: staunch init other.yaml" : "choose a directory you may write to")
    }
    let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try handle.write(contentsOf: Data(template.bytes))
    try handle.synchronize()
    assembly.console.say("wrote \(harmless(path)). next: fill in your targets, then: staunch doctor")
  }
}
