import Capabilities
import Foundation
import Secrets

/// Asks a person for a secret on the terminal, without echo. Blocking. Source: termios(3).
struct TerminalPrompt {
  private let path: String

  init(_ path: String) { self.path = path }

  func ask(_ question: String) throws(CapabilityError) -> Secret {
    let descriptor = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw CapabilityError(
        .notFound, "prompt", because: "there is no terminal to ask on",
        fix: "use env:NAME, file:/path or fd:3 instead of prompt")
    }
    let terminal = Descriptor(adopting: descriptor)
    var before = termios()
    guard tcgetattr(terminal.raw, &before) == 0 else {
      throw CapabilityError(
        .notFound, "prompt", because: "\(path) is not a terminal",
        fix: "use env:NAME, file:/path or fd:3 instead of prompt")
    }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO | ECHONL)
    guard tcsetattr(terminal.raw, TCSAFLUSH, &silent) == 0 else {
      throw CapabilityError(.refused, "prompt", because: "the terminal's echo could not be turned off")
    }
    defer { tcsetattr(terminal.raw, TCSAFLUSH, &before) }
    write(question, to: terminal.raw)
    defer { write("\n", to: terminal.raw) }
    return try line(from: terminal.raw)
  }

  private func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
  }

  private func line(from descriptor: Int32) throws(CapabilityError) -> Secret {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
    defer {
      if let start = buffer.baseAddress { explicit_bzero(start, buffer.count) }
      buffer.deallocate()
    }
    var count = 0
    while count < buffer.count {
      let got = Foundation.read(descriptor, buffer.baseAddress?.advanced(by: count), 1)
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { break }
      if buffer[count] == 0x0A || buffer[count] == 0x0D { break }
      count += 1
    }
    return Secret(SecretBytes(copying: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
  }
}
