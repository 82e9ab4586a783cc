import Capabilities
import Incidents
import JSON
import StaunchConfiguration
import Testing

@Suite struct AutomationTests {
  private func read(_ source: String) throws -> Configuration {
    try ConfigurationReader.read(
      "staunch: 1\n" + source, file: "staunch.yaml", directory: "/etc/x",
      catalogue: AdapterCatalogue(credentials: ["openai": []], stores: [:], consumers: [:], trackers: [:]))
  }

  private func problems(_ source: String) -> [String] {
    do {
      _ = try read(source)
      return []
    } catch let error as ConfigurationError {
      return error.problems.map(\.message)
    } catch {
      return ["\(error)"]
    }
  }

  @Test func `a route that contains names its actions`() throws {
    let route = try #require(
      try read("routes: [{playbook: p, autonomy: contain, actions: [credential.disable]}]").routes.first)
    #expect(route.autonomy == .contain)
    #expect(route.actions == ["credential.disable"])
  }

  @Test(
    arguments: [
      ("{playbook: p, autonomy: contain}", "needs the actions"),
      ("{playbook: p, autonomy: contain, actions: ['*']}", "there is no action"),
      ("{playbook: p, autonomy: contain, actions: [credential.verify]}", "only looks"),
      ("{playbook: p, actions: [credential.disable]}", "means nothing"),
    ])
  func `no route may act alone without plain names`(route: String, message: String) {
    #expect(problems("routes: [\(route)]").contains { $0.contains(message) })
  }

  @Test func `the storm's numbers have the documented defaults and can be set`() throws {
    #expect(try read("policy: {}").policy.storm == StormBreaker())
    let policy = try read(
      "policy: {storm: {in_delivery: 5, in_ten_minutes: 9, per_provider: 2}, critical_kinds: [jwt]}"
    ).policy
    #expect(
      policy.storm == StormBreaker(newInDelivery: 5, newInTenMinutes: 9, rotationsOfOneProvider: 2))
    #expect(policy.criticalKinds == ["jwt"])
    #expect(problems("policy: {storm: {in_delivery: 0}}").count == 1)
  }

  @Test func `nobody is told when nobody answers, unless it says after which time, and who`() throws {
    #expect(try read("policy: {}").policy.escalation == nil)
    let escalation = try read("policy: {escalation: {after: 15m, tracker: local}}").policy.escalation
    #expect(escalation?.after == .seconds(900) && escalation?.tracker == "local")
    #expect(try read("policy: {escalation: {after: 1h}}").policy.escalation?.tracker == nil)
    for wrong in ["{tracker: local}", "{after: soon}", "{after: 0s}", "{after: 1h, tracker: nosuch}"] {
      #expect(problems("policy: {escalation: \(wrong)}").count == 1, "\(wrong)")
    }
  }

  @Test func `a provider's calls have a rate and a burst, of a kind that exists`() throws {
    let calls = try read("policy: {calls: {openai: {per_second: 0.5, burst: 4}}}").policy.calls
    #expect(calls["openai"]?.perSecond == 0.5)
    #expect(calls["openai"]?.burst == 4)
    for wrong in [
      "{nosuch: {per_second: 1}}", "{openai: {per_second: 0}}", "{openai: {per_second: .inf}}",
      "{openai: {}}",
    ] {
      #expect(problems("policy: {calls: \(wrong)}").count == 1, "\(wrong)")
    }
    #expect(problems("policy: {calls: {openai: {per_second: 1, burst: 0}}}").count == 1)
  }

  @Test(
    arguments: [
      "{kind: github, token: abc, repositories: [a/b]}", "{kind: github, token: 'env:T'}",
      "{kind: github, token: 'env:T', repositories: [a/../b]}",
      "{kind: github, token: 'env:T', repositories: ['a/..']}",
      "{kind: github, token: 'env:T', repositories: [a/b], every: 1s}", "{kind: gitlab, token: 'env:T'}",
    ])
  func `a source with a plain token, no repository or a path that climbs is refused`(source: String) {
    #expect(problems("sources: [\(source)]").count == 1)
  }

  @Test func `a source has the vendor's address and a quarter of an hour`() throws {
    let source = try #require(
      try read("sources: [{kind: github, token: 'env:T', repositories: [acme/app]}]").sources.first)
    #expect(source.baseURL == "https://api.github.com")
    #expect(source.every == .seconds(900))
  }

  @Test func `the endpoint's secrets are references`() throws {
    let good = "receiver: {listen: '127.0.0.1:8787', routes: [{path: /h, kind: github, keys: ['env:K']}]}"
    #expect(try read(good).receiver?["listen"]?.string == "127.0.0.1:8787")
    #expect(problems(good.replacing("env:K", with: "hunter2")).count == 1)
    #expect(problems("receiver: {port: 1}").count == 1)
  }

  @Test func `an exchange of its own names its directory and the endpoint's group`() throws {
    #expect(try read("").exchange == nil)
    let exchange = try #require(
      try read(
        "exchange: {directory: /var/lib/x, group: staunch-exchange, settings: /etc/staunch/receiver.json}"
      ).exchange)
    #expect(exchange.directory == "/var/lib/x" && exchange.group == "staunch-exchange")
    #expect(exchange.settings == "/etc/staunch/receiver.json")
  }

  @Test(
    arguments: [
      ("{group: g}", "no directory"), ("{directory: /x}", "no group"),
      ("{directory: /x, group: ''}", "no group"),
      ("{directory: x, group: g}", "absolute"), ("{directory: /a/../x, group: g}", "absolute"),
      ("{directory: /x, group: g, settings: receiver.json}", "absolute"),
      ("{directory: /x, group: g, mode: 777}", "unknown key"),
    ])
  func `an exchange that is not wholly named is refused`(exchange: String, message: String) {
    let found = problems("exchange: \(exchange)")
    #expect(found.count == 1 && found[0].contains(message), "\(found)")
  }
}
