import Testing

/// Begins a test again, with another browser, when the browser fell silent: that says nothing about the console.
struct AnotherBrowser: SuiteTrait, TestTrait, TestScoping {
  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable @concurrent () async throws -> Void
  ) async throws {
    for _ in 1...2 {
      do { return try await function() } catch is Browser.Failure { continue }
    }
    try await function()
  }
}

extension Trait where Self == AnotherBrowser {
  static var anotherBrowser: Self { AnotherBrowser() }
}
