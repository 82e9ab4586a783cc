import Foundation
import JSON
import Synchronization
import TestSupport

/// A real headless Chromium, driven over the DevTools protocol on a pair of pipes: no driver, no port, no WebSocket.
/// Source: https://chromedevtools.github.io/devtools-protocol/, `--remote-debugging-pipe`: JSON messages that end with NUL.
final class Browser: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private struct State: Sendable {
    var next = 1
    var waiting: [Int: CheckedContinuation<JSONValue, any Error>] = [:]
    var listeners: [Int: AsyncStream<JSONValue>.Continuation] = [:]
    var callbacks: [@Sendable (JSONValue) -> Void] = []
    var isOver = false
  }

  private let directory: TemporaryDirectory
  private let process: Mutex<Process>
  private let commands: Int32
  private let answers: Int32
  private let state = Mutex(State())

  init() throws {
    let directory = try TemporaryDirectory()
    let (commandPath, answerPath) = (directory.path("commands"), directory.path("answers"))
    guard mkfifo(commandPath, 0o600) == 0, mkfifo(answerPath, 0o600) == 0 else {
      throw Failure(description: "no pipes: errno \(errno)")
    }
    // Open for both directions: neither open nor read waits for the other side to appear.
    commands = open(commandPath, O_RDWR | O_CLOEXEC)
    let answers = open(answerPath, O_RDWR | O_CLOEXEC)
    self.answers = answers
    let browser = Process()
    browser.executableURL = URL(filePath: "/bin/bash")
    browser.arguments = [
      "-c",
      """
      exec chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-extensions \
        --disable-background-networking --disable-component-update --user-data-dir="$3" --remote-debugging-pipe \
        about:blank 3<"$1" 4>"$2" 2>/dev/null >/dev/null
      """, "bash", commandPath, answerPath, directory.path("profile"),
    ]
    browser.currentDirectoryURL = URL(filePath: "/")
    self.directory = directory
    process = Mutex(browser)
    browser.terminationHandler = { [weak self] _ in self?.end() }
    try browser.run()
    expectAnEnd()
    Thread.detachNewThread { [weak self] in
      defer { close(answers) }
      var buffer: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = read(answers, &chunk, chunk.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        buffer += chunk[..<count]
        while let end = buffer.firstIndex(of: 0) {
          let message = Array(buffer[..<end])
          buffer.removeFirst(end + 1)
          guard let self else { return }
          // The browser writes JSON; what is none is no message.
          if let json = try? JSONValue(
            parsing: message, limits: JSONLimits(stringBytes: 64 << 20, valueBytes: 128 << 20))
          {
            self.take(json)
          }
        }
      }
    }
  }

  /// Chromium now and then leaves a command without an answer, mostly while it goes to another page: the test is told.
  private func expectAnEnd() {
    DispatchQueue.global().asyncAfter(deadline: .now() + 60) { [weak self] in self?.end() }
  }

  private func take(_ message: JSONValue) {
    if let id = message["id"]?.integer {
      let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
      if let error = message["error"] {
        waiting?.resume(throwing: Failure(description: error.canonicalText))
      } else {
        waiting?.resume(returning: message["result"] ?? .null)
      }
    } else {
      let (listeners, callbacks) = state.withLock { (Array($0.listeners.values), $0.callbacks) }
      for listener in listeners { listener.yield(message) }
      for callback in callbacks { callback(message) }
    }
  }

  private func end() {
    let (waiting, listeners) = state.withLock { state in
      state.isOver = true
      defer { state.waiting = [:] }
      return (Array(state.waiting.values), Array(state.listeners.values))
    }
    for one in waiting { one.resume(throwing: Failure(description: "the browser ended")) }
    for one in listeners { one.finish() }
  }

  /// Every event from now on.
  func events() -> AsyncStream<JSONValue> {
    let (stream, continuation) = AsyncStream<JSONValue>.makeStream()
    state.withLock { state in
      state.listeners[state.next] = continuation
      state.next += 1
    }
    return stream
  }

  /// Calls `take` with every event from now on.
  func listen(_ take: @escaping @Sendable (JSONValue) -> Void) {
    state.withLock { $0.callbacks.append(take) }
  }

  @discardableResult
  func call(_ method: String, _ parameters: JSONValue = [:], session: String? = nil) async throws -> JSONValue
  {
    let id = state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
    return try await withTaskCancellationHandler {
      try await send(id, method, parameters, session)
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }

  private func send(_ id: Int, _ method: String, _ parameters: JSONValue, _ session: String?) async throws
    -> JSONValue
  {
    try await withCheckedThrowingContinuation { continuation in
      let isOpen = state.withLock { state in
        guard !state.isOver, !Task.isCancelled else { return false }
        state.waiting[id] = continuation
        return true
      }
      guard isOpen else {
        continuation.resume(throwing: Failure(description: "the browser ended, or the test's time"))
        return
      }
      write(id, method, parameters, session)
    }
  }

  /// Sends a command and does not wait for its answer.
  func post(_ method: String, _ parameters: JSONValue, session: String) {
    let id = state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
    write(id, method, parameters, session)
  }

  private func write(_ id: Int, _ method: String, _ parameters: JSONValue, _ session: String?) {
    var message: [String: JSONValue] = [
      "id": .integer(id), "method": .string(method), "params": parameters,
    ]
    if let session { message["sessionId"] = .string(session) }
    let bytes = JSONValue.object(message).canonicalBytes + [0]
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Foundation.write(commands, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      sent += count
    }
  }

  /// A new page with its own cookies.
  func page(width: Int = 1280, height: Int = 900, isDark: Bool = false, hasJavaScript: Bool = true)
    async throws
    -> BrowserPage
  {
    let context = try await call("Target.createBrowserContext")
    let target = try await call(
      "Target.createTarget", ["url": "about:blank", "browserContextId": context["browserContextId"] ?? .null])
    let attached = try await call(
      "Target.attachToTarget", ["targetId": target["targetId"] ?? .null, "flatten": true])
    guard let session = attached["sessionId"]?.string else { throw Failure(description: "no session") }
    let page = BrowserPage(browser: self, session: session)
    for domain in ["Page", "Runtime", "Log", "DOM", "Network"] { try await page.call("\(domain).enable") }
    try await page.show(width: width, height: height, isDark: isDark)
    if !hasJavaScript { try await page.call("Emulation.setScriptExecutionDisabled", ["value": true]) }
    return page
  }

  func stop() {
    process.withLock { process in
      if process.isRunning { process.terminate() }
      process.waitUntilExit()
    }
  }

  deinit {
    process.withLock { if $0.isRunning { $0.terminate() } }
    close(commands)
    // Ends the reading thread, which then closes the pipe.
    _ = Foundation.write(answers, [0], 1)
  }
}

/// One page of the browser.
struct BrowserPage: Sendable {
  let browser: Browser
  let session: String

  @discardableResult
  func call(_ method: String, _ parameters: JSONValue = [:]) async throws -> JSONValue {
    try await browser.call(method, parameters, session: session)
  }

  func show(width: Int, height: Int, isDark: Bool) async throws {
    try await call(
      "Emulation.setDeviceMetricsOverride",
      ["width": .integer(width), "height": .integer(height), "deviceScaleFactor": 1, "mobile": false])
    try await call(
      "Emulation.setEmulatedMedia",
      ["features": [["name": "prefers-color-scheme", "value": .string(isDark ? "dark" : "light")]]])
  }

  /// Does `body` and waits until the page that it leads to has loaded.
  func loading(_ body: () async throws -> Void) async throws {
    let events = browser.events()
    try await body()
    for await event in events
    where event["method"]?.string == "Page.loadEventFired" && event["sessionId"]?.string == session { return }
    throw Browser.Failure(description: "the browser ended before the page had loaded")
  }

  func open(_ address: String) async throws {
    try await loading { try await call("Page.navigate", ["url": .string(address)]) }
  }

  /// The value of an expression; a promise is awaited.
  func evaluate(_ expression: String) async throws -> JSONValue {
    let result = try await call(
      "Runtime.evaluate", ["expression": .string(expression), "awaitPromise": true, "returnByValue": true])
    if let exception = result["exceptionDetails"] {
      throw Browser.Failure(description: exception.canonicalText)
    }
    return result["result"]?["value"] ?? .null
  }

  /// Returns when `condition` holds; the browser itself looks at each change of the document.
  func until(_ condition: String) async throws {
    _ = try await evaluate(
      """
      new Promise((done) => {
        const look = () => { if (\(condition)) { watch.disconnect(); done(true); } };
        const watch = new MutationObserver(look);
        watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
        look();
      })
      """)
  }

  /// The document as it stands, also without JavaScript.
  func html() async throws -> String {
    let root = try await call("DOM.getDocument", ["depth": 0])
    let text = try await call("DOM.getOuterHTML", ["nodeId": root["root"]?["nodeId"] ?? .null])
    return text["outerHTML"]?.string ?? ""
  }

  func type(_ text: String) async throws { try await call("Input.insertText", ["text": .string(text)]) }

  /// Presses and releases `Tab`, `Enter` or ` `.
  func press(_ key: String) async throws {
    let (code, number, text): (String, Int, String?) =
      switch key {
      case "Tab": ("Tab", 9, nil)
      case "Enter": ("Enter", 13, "\r")
      default: ("Space", 32, " ")
      }
    var down: [String: JSONValue] = [
      "type": .string(text == nil ? "rawKeyDown" : "keyDown"), "key": .string(key), "code": .string(code),
      "windowsVirtualKeyCode": .integer(number),
    ]
    if let text { down["text"] = .string(text) }
    try await call("Input.dispatchKeyEvent", .object(down))
    // Nobody answers this when the press has led to another page already.
    browser.post(
      "Input.dispatchKeyEvent",
      [
        "type": "keyUp", "key": .string(key), "code": .string(code),
        "windowsVirtualKeyCode": .integer(number),
      ], session: session)
  }

  /// Asks until what matches `selector` has the focus; also without JavaScript. A page gets its autofocus with its first frame,
  /// after it has loaded: what is typed before goes nowhere.
  func untilFocus(_ selector: String) async throws {
    for _ in 0..<20_000 {
      let root = try await call("DOM.getDocument", ["depth": 0])
      let found = try await call(
        "DOM.querySelector",
        ["nodeId": root["root"]?["nodeId"] ?? .null, "selector": .string(selector + ":focus")])
      if let node = found["nodeId"]?.integer, node != 0 { return }
    }
    throw Browser.Failure(description: "\(selector) never had the focus")
  }

  /// Presses Tab until what has the focus matches `selector`.
  func tab(to selector: String) async throws {
    for _ in 0..<80 {
      try await press("Tab")
      let expression = "document.activeElement.matches(\(JSONValue.quoted(selector)))"
      if try await evaluate(expression).boolean == true { return }
    }
    throw Browser.Failure(description: "80 presses of Tab do not lead to \(selector)")
  }

  /// The whole page as PNG.
  func screenshot() async throws -> Data {
    let shot = try await call("Page.captureScreenshot", ["format": "png"])
    return shot["data"]?.string.flatMap { Data(base64Encoded: $0) } ?? Data()
  }
}

/// Collects what the browser complains about: errors of scripts, refused content, failed loads.
final class BrowserComplaints: Sendable {
  private let found = Mutex<[String]>([])
  private let session: String
  var all: [String] { found.withLock { $0 } }

  init(of page: BrowserPage) {
    session = page.session
    page.browser.listen { [weak self] event in self?.take(event) }
  }

  private func take(_ event: JSONValue) {
    guard event["sessionId"]?.string == session else { return }
    let parameters = event["params"]
    switch event["method"]?.string {
    case "Runtime.exceptionThrown": add(parameters?["exceptionDetails"])
    case "Log.entryAdded" where ["error", "warning"].contains(parameters?["entry"]?["level"]?.string ?? ""):
      add(parameters?["entry"])
    case "Runtime.consoleAPICalled" where ["error", "warning"].contains(parameters?["type"]?.string ?? ""):
      add(parameters)
    default: break  // no complaint
    }
  }

  private func add(_ what: JSONValue?) { found.withLock { $0.append(what?.canonicalText ?? "unnamed") } }
}
