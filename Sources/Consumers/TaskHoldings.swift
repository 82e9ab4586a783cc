import Capabilities
import JSON
import RESTClient

/// Which tasks of ECS hold a value: by the revision of the task definition that each was made of, and by when it started.
///
/// A task holds a value that stands in its definition or in what `RunTask` was given, that the secret or parameter which it names
/// still has, or that this had when the task started: what is injected is read once. A task that was made after the secret's
/// last change holds what it has now. What is read in another way (files in S3, the program itself) is named, not guessed.
/// Sources: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html (valueFrom),
/// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html, …/API_Task.html (createdAt, startedAt),
/// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html (LastChangedDate)
struct TaskHoldings {
  private let client: AWSClient
  private let held: HeldValues
  private var definitions: [String: Definition] = [:]
  private var sources: [String: Source] = [:]
  private var holding: [String] = []
  private var moved: [String] = []
  private var unread: [String] = []

  init(_ client: AWSClient, held: HeldValues) {
    self.client = client
    self.held = held
  }

  private enum Definition {
    /// What holds a value by itself; what is injected, by variable; what nobody here looks into.
    case read(places: [String], injected: [(name: String, source: String)], others: [String])
    case unread(String)
  }

  private enum Source {
    /// - Parameters:
    ///   - isFixed: one version is named: what it holds never changes.
    ///   - changed: seconds since 1970.
    case read(holds: Bool, isFixed: Bool, changed: Double?)
    case unread(String)
  }

  private enum Answer {
    case holds(String)
    case moved
    case unknown(String)
  }

  var found: ConsumerHoldings { ConsumerHoldings(holding: holding, moved: moved, unread: unread) }

  /// - Parameters:
  ///   - id: as people are told.
  ///   - task: one of DescribeTasks.
  mutating func look(at task: JSONValue, _ id: String) async {
    guard let arn = task["taskDefinitionArn"]?.string else {
      return unread.append("task \(id): the answer does not name its definition")
    }
    let revision = arn.split(separator: "/").last.map { String($0) } ?? arn
    var places = overrides(of: task)
    var unknown: [String] = []
    switch await definition(arn) {
    case .unread(let why): unknown.append("\(revision): \(why)")
    case .read(let own, let injected, let others):
      places += own
      unknown += others
      for (name, source) in injected {
        switch answer(await self.source(source), task) {
        case .holds(let when): places.append(name + when)
        case .moved: break
        case .unknown(let why): unknown.append("\(name): \(why)")
        }
      }
    }
    if !places.isEmpty { holding.append("task \(id) (\(revision): \(places.joined(separator: ", ")))") }
    unread += unknown.map { "task \(id), \($0)" }
    if places.isEmpty && unknown.isEmpty { moved.append("task \(id) (\(revision))") }
  }

  private func answer(_ source: Source, _ task: JSONValue) -> Answer {
    switch source {
    case .unread(let why): return .unknown(why)
    case .read(let holds, let isFixed, let changed):
      if holds { return .holds("") }
      if isFixed { return .moved }
      guard let changed else { return .unknown("AWS does not say when it was changed") }
      if let made = ECSService.seconds(task["createdAt"]), made > changed { return .moved }
      guard let started = ECSService.seconds(task["startedAt"]) else {
        return .unknown("the task has not started yet, or AWS does not say when")
      }
      return started <= changed
        ? .holds(", started before it was changed") : .unknown("the task was starting when it was changed")
    }
  }

  // MARK: definitions

  private mutating func definition(_ arn: String) async -> Definition {
    if let known = definitions[arn] { return known }
    let read = await readDefinition(arn)
    definitions[arn] = read
    return read
  }

  private func readDefinition(_ arn: String) async -> Definition {
    let told: JSONValue
    do throws(CapabilityError) {
      told = try await client.get(
        .ecs, "DescribeTaskDefinition", ["taskDefinition": .string(arn)] as JSONValue)
    } catch { return .unread(Self.words(error)) }
    guard let containers = told["taskDefinition"]?["containerDefinitions"]?.array else {
      return .unread("the answer is no task definition")
    }
    var places: [String] = []
    var injected: [(name: String, source: String)] = []
    var others: [String] = []
    for container in containers {
      let name = container["name"]?.string ?? "?"
      places += literals(of: container).map { "\(name): \($0)" }
      for secret in container["secrets"]?.array ?? [] {
        guard let source = secret["valueFrom"]?.string else { continue }
        injected.append(("\(name): \(secret["name"]?.string ?? "?")", source))
      }
      for file in container["environmentFiles"]?.array ?? [] {
        others.append("\(name): variables of \(file["value"]?.string ?? "a file"), which is not read")
      }
    }
    return .read(places: places, injected: injected, others: others)
  }

  private func literals(of container: JSONValue) -> [String] {
    var found: [String] = []
    for variable in container["environment"]?.array ?? [] {
      if let value = variable["value"]?.string, held.stand(in: Array(value.utf8)) {
        found.append("\(variable["name"]?.string ?? "?"), written in it")
      }
    }
    for list in ["command", "entryPoint"] {
      let holds = (container[list]?.array ?? []).contains { part in
        part.string.map { held.stand(in: Array($0.utf8)) } ?? false
      }
      if holds { found.append("\(list), written in it") }
    }
    return found
  }

  /// What `RunTask` was given for this task alone.
  private func overrides(of task: JSONValue) -> [String] {
    (task["overrides"]?["containerOverrides"]?.array ?? []).flatMap { container in
      literals(of: container).map { "\(container["name"]?.string ?? "?"): \($0) by RunTask" }
    }
  }

  // MARK: what is injected

  private mutating func source(_ name: String) async -> Source {
    if let known = sources[name] { return known }
    let read: Source
    do throws(CapabilityError) {
      read = name.contains(":secretsmanager:") ? try await secret(name) : try await parameter(name)
    } catch { read = .unread(Self.words(error)) }
    sources[name] = read
    return read
  }

  /// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:JSON KEY:LABEL:VERSION]`
  private func secret(_ valueFrom: String) async throws(CapabilityError) -> Source {
    let parts = valueFrom.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
    guard parts.count >= 7 else { return .unread("its valueFrom is no ARN") }
    let arn = parts[..<7].joined(separator: ":")
    func part(_ index: Int) -> String? { parts.count > index && !parts[index].isEmpty ? parts[index] : nil }
    var body: [String: JSONValue] = ["SecretId": .string(arn)]
    if let label = part(8) { body["VersionStage"] = .string(label) }
    if let version = part(9) { body["VersionId"] = .string(version) }
    let told = try await client.get(.secretsManager, "GetSecretValue", .object(body), region: parts[3])
    guard let text = told["SecretString"]?.string else { return .unread("the secret is no text") }
    var value = text
    if let key = part(7) {
      let document: JSONValue
      do throws(JSONError) { document = try JSONValue(parsing: Array(text.utf8)) } catch {
        return .unread("the secret is no JSON, and one of its members is injected")
      }
      guard let member = document[key]?.string else { return .unread("the secret has no text \(key)") }
      value = member
    }
    let holds = held.stand(in: Array(value.utf8))
    guard part(9) == nil, !holds else { return .read(holds: holds, isFixed: true, changed: nil) }
    let described = try await client.get(
      .secretsManager, "DescribeSecret", ["SecretId": .string(arn)] as JSONValue, region: parts[3])
    // A version that was made ahead becomes current by a change of its label, which the secret's own date has.
    let changed = [described["LastChangedDate"], told["CreatedDate"]].compactMap { ECSService.seconds($0) }
      .max()
    return .read(holds: false, isFixed: false, changed: changed)
  }

  /// A name, or `arn:aws:ssm:REGION:ACCOUNT:parameter/NAME`.
  private func parameter(_ valueFrom: String) async throws(CapabilityError) -> Source {
    let parts = valueFrom.split(separator: ":", omittingEmptySubsequences: false)
    let region = valueFrom.hasPrefix("arn:") && parts.count > 3 ? String(parts[3]) : nil
    let told = try await client.get(
      .ssm, "GetParameter", ["Name": .string(valueFrom), "WithDecryption": true] as JSONValue, region: region)
    guard let value = told["Parameter"]?["Value"]?.string else {
      return .unread("the answer is no parameter")
    }
    return .read(
      holds: held.stand(in: Array(value.utf8)), isFixed: false,
      changed: ECSService.seconds(told["Parameter"]?["LastModifiedDate"]))
  }

  private static func words(_ error: CapabilityError) -> String {
    "\(error.operation): \(error.because)" + (error.fix.map { "; \($0)" } ?? "")
  }
}
