import Capabilities
import HTTP
import JSON
import SecretStores
import Secrets
import TestSupport
import Testing

/// Against exchanges written from the documentation.
@Suite struct DopplerConfigTests {
  private let doppler: DopplerSimulation
  private let server: LoopbackServer

  init() throws {
    let doppler = DopplerSimulation()
    self.doppler = doppler
    server = try LoopbackServer { doppler.answer($0) }
  }

  private func store(_ token: String = DopplerSimulation.token, project: String = "shop") throws
    -> DopplerConfig
  {
    try DopplerConfig(
      TargetConfiguration(
        name: "s", kind: DopplerConfig.kind,
        settings: [
          "base_url": .string(server.url), "token": "env:TOKEN", "project": .string(project), "config": "prd",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": Secret(token)]))
  }

  @Test func `every change names the value that was read, all in one request`() async throws {
    doppler.write("ID", "old-id")
    doppler.write("URL", "https://u:leaked-value-0123456@h")
    doppler.write("OTHER", "x")
    _ = try await store().put(
      [
        StoreEntry("ID", Secret("new-id"), replacing: []),
        StoreEntry("KEY", Secret("fresh"), replacing: [Secret("leaked-value-0123456")]),
      ], sparing: [], marker: "m", under: .forTests())
    #expect(
      doppler.requests == [
        ["name": "ID", "originalName": "ID", "value": "new-id", "originalValue": "old-id"],
        ["name": "KEY", "originalName": nil, "value": "fresh", "originalValue": nil],
        [
          "name": "URL", "originalName": "URL", "value": "https://u:fresh@h",
          "originalValue": "https://u:leaked-value-0123456@h",
        ],
      ])
    #expect(server.requests.filter { $0.method == "POST" }.count == 1)
  }

  @Test func `what somebody writes meanwhile is not overwritten`() async throws {
    doppler.write("KEY", "old")
    let (doppler, seen) = (doppler, server.url)
    let interfering = try LoopbackServer { request in
      if request.method == "POST" { doppler.write("KEY", "theirs") }
      return doppler.answer(request)
    }
    #expect(interfering.url != seen)
    let store = try DopplerConfig(
      TargetConfiguration(
        name: "s", kind: DopplerConfig.kind,
        settings: [
          "base_url": .string(interfering.url), "token": "env:TOKEN", "project": "shop", "config": "prd",
        ], position: "staunch.yaml:1:1"),
      in: .forTests(http: CurlTransport(), secrets: ["env:TOKEN": Secret(DopplerSimulation.token)]))
    let error = await #expect(throws: CapabilityError.self) {
      try await store.put("KEY", Secret("fresh"), replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .conflict)
    #expect(doppler.secrets["KEY"] == "theirs")
  }

  @Test func `a restricted secret is named, and not replaced unseen`() async throws {
    doppler.write("KEY", nil)
    let copies = try await store().copies(of: [Secret("leaked-value-0123456")], besides: nil)
    #expect(
      copies == [
        SecretCopy(
          key: "KEY", canFollow: false, kind: .unread(because: "its value is shown to nobody with this login")
        )
      ])
    let error = await #expect(throws: CapabilityError.self) {
      try await store().put(
        "KEY", Secret("fresh"), replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .unsupported)
    #expect(doppler.requests.isEmpty)
  }

  @Test func `a value that would name another secret is refused`() async throws {
    let error = await #expect(throws: CapabilityError.self) {
      try await store().put(
        "KEY", Secret("a${B}"), replacing: [], sparing: [], marker: "m", under: .forTests())
    }
    #expect(error?.class == .invalid)
  }

  @Test func `doctor says what the token may not`() async throws {
    for store in [try store("another"), try store(project: "other")] {
      guard case .missing? = await store.readiness().first?.verdict else {
        Issue.record("it counts as ready")
        return
      }
    }
    guard case .ready? = try await store().readiness().first?.verdict else {
      Issue.record("it counts as missing")
      return
    }
  }
}
