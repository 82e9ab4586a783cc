import Capabilities
import Foundation
import LocalSystem
import Secrets
import Synchronization
import TestSupport
import Testing

@Suite struct SecretSourcesTests {
  private let directory: TemporaryDirectory
  private let sources: SecretSources

  init() throws {
    directory = try TemporaryDirectory()
    sources = SecretSources(
      environment: ["TOKEN": "from-env", "EMPTY": ""], terminal: directory.path("no-terminal"))
  }

  @Test func `a variable and a file are read, without the newline at the end`() async throws {
    #expect(try await sources.resolve("env:TOKEN").exposeAsText() == "from-env")
    for (name, text) in [("a", "v"), ("b", "v\n"), ("c", "v\r\n")] {
      try text.write(toFile: directory.path(name), atomically: false, encoding: .utf8)
      #expect(try await sources.resolve("file:" + directory.path(name)).exposeAsText() == "v")
    }
  }

  @Test func `A file that PowerShell or an editor wrote gives the secret or an error, never another value`()
    async throws
  {
    let marked: [UInt8] = [0xFF, 0xFE] + "v\r\n".utf8.flatMap { [$0, 0] }
    try Data(marked).write(to: URL(fileURLWithPath: directory.path("marked")))
    #expect(try await sources.resolve("file:" + directory.path("marked")).exposeAsText() == "v")
    for (name, text) in [("d", "v\n\n"), ("e", "v \n"), ("f", "\nv"), ("g", "v\0\0\n")] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: directory.path(name)))
      let error = await #expect(throws: CapabilityError.self) {
        try await sources.resolve("file:" + directory.path(name))
      }
      #expect(error?.class == .configuration && error?.fix != nil)
      #expect(error?.operation.contains(directory.path(name)) == true)
    }
  }

  @Test func `a descriptor is read once and then known`() async throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data("from-fd\n".utf8))
    try pipe.fileHandleForWriting.close()
    let reference = "fd:\(pipe.fileHandleForReading.fileDescriptor)"
    for _ in 0..<2 { #expect(try await sources.resolve(reference).exposeAsText() == "from-fd") }
  }

  @Test func `every secret is told to the redactor`() async throws {
    let redactor = Redactor()
    let telling = SecretSources(environment: ["TOKEN": "from-env"], learned: { redactor.register($0) })
    _ = try await telling.resolve("env:TOKEN")
    #expect(redactor.redact("x from-env") == "x [REDACTED]")
  }

  @Test(arguments: ["hunter2", "", "env:1A", "env:A B", "fd:x", "fd:-1", "https://u:p@h/", "sk-abc"])
  func `a plain value is refused without being repeated`(text: String) async throws {
    let error = await #expect(throws: CapabilityError.self) { try await sources.resolve(text) }
    #expect(error?.class == .configuration)
    #expect(error?.fix != nil)
    #expect(text.isEmpty || error?.description.contains(text) == false)
  }

  @Test(arguments: ["env:MISSING", "env:EMPTY", "file:/no/such/file", "fd:1000003", "prompt"])
  func `where nothing is, the error says how to put it there`(reference: String) async throws {
    let error = await #expect(throws: CapabilityError.self) { try await sources.resolve(reference) }
    #expect(error?.class == .notFound)
    #expect(error?.fix != nil)
  }

  @Test func `a prompt asks on the terminal and the answer is not echoed`() async throws {
    var controller: Int32 = -1
    var terminal: Int32 = -1
    try #require(openpty(&controller, &terminal, nil, nil, nil) == 0)
    defer {
      close(controller)
      close(terminal)
    }
    let path = String(cString: try #require(ttyname(terminal)))
    let prompting = SecretSources(environment: [:], terminal: path)
    async let answer = prompting.resolve("prompt:admin key")
    // The question shows that echo is off already.
    let shown = Screen()
    let screen = controller
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      Thread.detachNewThread {
        shown.read(from: screen, until: ": ")
        _ = write(screen, "typed-secret\n", 13)
        shown.read(from: screen, until: "\n")
        continuation.resume()
      }
    }
    #expect(try await answer.exposeAsText() == "typed-secret")
    #expect(shown.text.hasPrefix("admin key: "))
    #expect(!shown.text.contains("typed"))
  }
}

/// What a terminal showed.
private final class Screen: Sendable {
  private let content = Mutex("")
  var text: String { content.withLock { $0 } }

  /// Blocks until the terminal has shown `end`.
  func read(from descriptor: Int32, until end: String) {
    var chunk = [UInt8](repeating: 0, count: 256)
    while true {
      let count = Foundation.read(descriptor, &chunk, chunk.count)
      guard count > 0 else { return }
      let new = String(decoding: chunk[..<count], as: UTF8.self)
      content.withLock { $0 += new }
      if text.utf8.suffix(end.utf8.count).elementsEqual(end.utf8) { return }  // "\r\n" is one character
    }
  }
}
