import Response

extension Assembly {
  /// The console, for rooms that know no command line.
  var voice: any Voice { AssemblyVoice(assembly: self) }
}

private struct AssemblyVoice: Voice {
  let assembly: Assembly

  func say(_ line: String) { assembly.console.say(line) }
  func say(_ line: String, _ fields: [String: String]) { assembly.console.say(line, fields) }
  func transient(_ line: String) { assembly.console.transient(line) }
  func endTransient() { assembly.console.endTransient() }

  func tell(_ error: any Error) -> (because: String, fix: String?) {
    _ = assembly.exit(after: error)
    let failure = CommandFailure(after: error)
    return (failure.because, failure.fix)
  }

  func words(for error: any Error) -> (what: String, because: String, fix: String?) {
    let failure = CommandFailure(after: error)
    return (failure.what, failure.because, failure.fix)
  }
}
