import Testing

@testable import Commands
@testable import Response
@testable import Worker

@Suite struct UnknownCommandTests {
  private let commands = ["respond", "run", "status"]

  @Test func `a slip of the finger names the command that was meant`() throws {
    let message = try #require(UnknownCommand.message(for: ["responnd", "x"], among: commands))
    #expect(message.contains("\"responnd\""))
    #expect(message.contains("did you mean \"respond\"?"))
    #expect(message.hasSuffix("fix: staunch respond --help"))
  }

  @Test func `a word that is near to nothing leads to the list`() throws {
    let message = try #require(UnknownCommand.message(for: ["frobnicate"], among: commands))
    #expect(message.hasSuffix("fix: staunch --help"))
  }

  @Test(arguments: [[], ["run", "x"], ["--version"], ["help", "run"]])
  func `commands and options are left to the parser`(arguments: [String]) {
    #expect(UnknownCommand.message(for: arguments, among: commands) == nil)
  }

  @Test func `control characters of the word are not printed`() throws {
    let message = try #require(UnknownCommand.message(for: ["\u{1B}[31mx"], among: commands))
    #expect(!message.contains("\u{1B}"))
  }
}
