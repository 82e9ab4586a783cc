import Foundation
import Testing

@testable import SecretStores

/// Reading and changing .env text. The oracle for what we write is a shell.
@Suite struct EnvFileTests {
  private func parsed(_ text: String) -> [String: String] {
    Dictionary(EnvFile(Array(text.utf8)).entries.map { ($0.key, String(decoding: $0.value, as: UTF8.self)) })
    {
      _, last in last
    }
  }

  @Test(
    arguments: [
      ("A=1", ["A": "1"]), ("A = 1 ", ["A": "1"]), ("export A=1", ["A": "1"]), ("A=", ["A": ""]),
      ("A=x # note", ["A": "x"]), ("A=x#y", ["A": "x#y"]), ("# A=1\n\nB=2\n", ["B": "2"]),
      ("A='x # y'", ["A": "x # y"]), (#"A="x\"y\n\\""#, ["A": "x\"y\n\\"]), ("A='it' # c", ["A": "it"]),
      ("A=\"one\ntwo\"\nB=2", ["A": "one\ntwo", "B": "2"]), ("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]),
      ("A=1\nA=2", ["A": "2"]), ("not an assignment", [:]), ("A='unclosed", ["A": "'unclosed"]),
      ("A=p@ss=word", ["A": "p@ss=word"]),
    ] as [(String, [String: String])])
  func `values are read as the dotenv libraries read them`(text: String, values: [String: String]) {
    #expect(parsed(text) == values)
  }

  @Test(arguments: [
    "", "A=1", "A=1\n", "# c\n\nexport  A = 'x' # y\r\nB=2\r\n", "\n\n", "A=\"1\n2\"\n", "\u{FEFF}A=1\n",
  ])
  func `what is not changed stays byte for byte`(text: String) {
    #expect(EnvFile(Array(text.utf8)).bytes == Array(text.utf8))
  }

  @Test func `a byte-order mark is no part of the first name`() {
    #expect(parsed("\u{FEFF}A=1\nB=2\n") == ["A": "1", "B": "2"])
  }

  @Test func `a new value keeps comments, order, export and the note behind it`() {
    var file = EnvFile(Array("# top\nexport A=old # the key\nB=2\n".utf8))
    file.set("A", to: Array("new".utf8), mark: "run-1")
    #expect(
      String(decoding: file.bytes, as: UTF8.self)
        == "# top\n# rotated by run-1\nexport A=new # the key\nB=2\n")
    file.set("A", to: Array("newer".utf8), mark: "run-2")
    #expect(
      String(decoding: file.bytes, as: UTF8.self)
        == "# top\n# rotated by run-2\nexport A=newer # the key\nB=2\n")
    #expect(file.mark(of: "A") == "run-2")
    #expect(file.mark(of: "B") == nil)
  }

  @Test func `the old value goes from every assignment, over all its lines`() {
    var file = EnvFile(Array("A=\"old\nold\"\nB=1\nA='old'\n".utf8))
    file.set("A", to: Array("new".utf8), mark: "m")
    let text = String(decoding: file.bytes, as: UTF8.self)
    #expect(!text.contains("old"))
    #expect(parsed(text) == ["A": "new", "B": "1"])
  }

  @Test func `a file with carriage returns keeps them, also in new lines`() {
    var file = EnvFile(Array("A=1\r\nB=2\r\n".utf8))
    file.set("A", to: Array("x y".utf8), mark: "m")
    file.set("C", to: Array("3".utf8), mark: "m")
    #expect(
      String(decoding: file.bytes, as: UTF8.self)
        == "# rotated by m\r\nA='x y'\r\nB=2\r\n# rotated by m\r\nC=3\r\n")
    #expect(file.mark(of: "A") == "m")
  }

  @Test func `a new key goes to the end`() {
    var file = EnvFile(Array("A=1".utf8))
    file.set("B", to: Array("2".utf8), mark: "m")
    #expect(parsed(String(decoding: file.bytes, as: UTF8.self)) == ["A": "1", "B": "2"])
    var empty = EnvFile([])
    empty.set("B", to: Array("2".utf8), mark: "m")
    #expect(String(decoding: empty.bytes, as: UTF8.self) == "# rotated by m\nB=2\n")
  }

  @Test func `a quote that was left open and that the new value would close is noticed`() {
    let before = EnvFile(Array("A='open\nB=old\nC=c\n".utf8))
    var file = before
    file.set("B", to: Array("it's".utf8), mark: "m")
    #expect(!EnvFile(file.bytes).keeps(before, besides: ["B"]))
    var plain = before
    plain.set("B", to: Array("new".utf8), mark: "m")
    #expect(EnvFile(plain.bytes).keeps(before, besides: ["B"]))
  }

  @Test func `what stands directly behind a quoted value does not become part of the new one`() {
    var file = EnvFile(Array("A=\"old\"rest\n".utf8))
    file.set("A", to: Array("new".utf8), mark: "m")
    #expect(EnvFile(file.bytes).value(of: "A") == Array("new".utf8))
    #expect(String(decoding: file.bytes, as: UTF8.self) == "# rotated by m\nA=\"new\"rest\n")
  }

  @Test(arguments: ["\"", "'"])
  func `a key over several lines is replaced by one over several lines, in the same quotes`(quote: String) {
    let (old, new) = ("-----BEGIN-----\nold+/=\n-----END-----", "-----BEGIN-----\nnew+/=\n-----END-----")
    var file = EnvFile(Array("KEY=\(quote)\(old)\(quote) # note\nB=2\n".utf8))
    file.set("KEY", to: Array(new.utf8), mark: "m")
    let text = String(decoding: file.bytes, as: UTF8.self)
    #expect(text == "# rotated by m\nKEY=\(quote)\(new)\(quote) # note\nB=2\n")
    #expect(parsed(text) == ["KEY": new, "B": "2"])
  }

  @Test func `line ends that were written as escapes stay escapes`() {
    var file = EnvFile(Array("KEY=\"a\\nb\"\n".utf8))
    file.set("KEY", to: Array("c\nd".utf8), mark: "m")
    #expect(String(decoding: file.bytes, as: UTF8.self) == "# rotated by m\nKEY=\"c\\nd\"\n")
  }

  @Test(arguments: [
    ("A=old", "A=new"), ("A='old'", "A='new'"), ("A=\"old\"", "A=\"new\""), ("A=`old`", "A=`new`"),
  ])
  func `a value keeps the quotes of what it replaces`(line: String, expected: String) {
    var file = EnvFile(Array(line.utf8))
    file.set("A", to: Array("new".utf8), mark: "m")
    #expect(String(decoding: file.bytes, as: UTF8.self) == "# rotated by m\n" + expected)
  }

  @Test(arguments: [
    "plain", "with space", "quo'te", "dou\"ble", "$HOME", "`id`", "a\\b", "#x", "a#b", "new\nline", "é",
    "'\"$\\\n",
    " lead", "trail ", "p%20q", "{x}", "!bang", "~", "a;b", "*", "it's $5 \"now\"\n\\n",
  ])
  func `whatever the value, it reads back, and a shell reads the same`(value: String) throws {
    var file = EnvFile([])
    file.set("KEY", to: Array(value.utf8), mark: "m")
    #expect(EnvFile(file.bytes).value(of: "KEY") == Array(value.utf8))
    let shell = Process()
    let output = Pipe()
    shell.executableURL = URL(filePath: "/bin/sh")
    shell.arguments = ["-c", String(decoding: file.bytes, as: UTF8.self) + "printf %s \"$KEY\""]
    shell.standardOutput = output
    try shell.run()
    let read = try output.fileHandleForReading.readToEnd() ?? Data()
    shell.waitUntilExit()
    #expect(read == Data(value.utf8))
  }
}
