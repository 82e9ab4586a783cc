public import Capabilities
import Foundation
public import JSON

/// What Google Cloud's APIs say beside the status of an answer.
///
/// Source: https://cloud.google.com/apis/design/errors
public enum GoogleAPI {
  /// `NOT_FOUND`, `RESOURCE_EXHAUSTED` …; nil when the answer is not Google's own: a proxy answered.
  public static func status(of answer: HTTPResponse) -> String? { error(answer)?["status"]?.string }

  /// What an answer says went wrong; nil: nothing.
  public static func failure(of answer: HTTPResponse, _ api: RESTClient, _ operation: String, changes: Bool)
    -> CapabilityError?
  {
    let reasons = error(answer)?["details"]?.array?.compactMap { $0["reason"]?.string } ?? []
    if answer.status == 403, reasons.contains("SERVICE_DISABLED") {
      return CapabilityError(
        .configuration, operation, because: "the API is not switched on in its project",
        fix: "gcloud services enable the API that the operation names, then: staunch doctor")
    }
    return api.failure(of: answer, operation, changes: changes)
  }

  /// The answer's JSON, when nothing went wrong.
  public static func checked(
    _ answer: HTTPResponse, _ api: RESTClient, _ operation: String, changes: Bool = false
  )
    throws(CapabilityError) -> JSONValue
  {
    if let failure = failure(of: answer, api, operation, changes: changes) { throw failure }
    do throws(CapabilityError) { return try api.json(answer, operation) } catch {
      guard changes else { throw error }
      throw CapabilityError(.unknownOutcome, operation, because: "it was done, but the answer is not JSON")
    }
  }

  private static let mostPages = 100

  /// A list that comes in pages of `pageToken`; a list without elements has no member.
  public static func list(_ path: String, _ member: String, of api: RESTClient) async throws(CapabilityError)
    -> [JSONValue]
  {
    let operation = "GET \(api.shown(path))"
    var elements: [JSONValue] = []
    var query = ""
    for _ in 0..<mostPages {
      let told = try checked(try await api.answer(path + query), api, operation)
      elements += told[member]?.array ?? []
      guard let token = told["nextPageToken"]?.string, !token.isEmpty else { return elements }
      query = (path.contains("?") ? "&" : "?") + "pageToken=" + RESTClient.escaped(token)
    }
    throw CapabilityError(.invalid, operation, because: "the list has no end")
  }

  /// Which of `permissions` the runner has on `resource`: what `testIamPermissions` gives back.
  /// - Parameter resource: the path before the colon.
  public static func permissions(_ permissions: [String], on resource: String, of api: RESTClient)
    async throws(CapabilityError) -> Set<String>
  {
    let path = resource + ":testIamPermissions"
    let answer = try await api.ask(
      path, ["permissions": .array(permissions.map { .string($0) })],
      readOnlyBecause: "it tells what the runner may do")
    let told = try checked(answer, api, "POST \(api.shown(path))")
    return Set(told["permissions"]?.array?.compactMap(\.string) ?? [])
  }

  /// What `doctor` says of rights that were asked for: those that are missing, and those that are too many.
  /// - Parameters:
  ///   - needs: what a run will need, and for what.
  ///   - excess: what no run needs.
  public static func readiness(
    _ needs: [(what: String, permissions: [String])], excess: [String], on resource: String,
    of api: RESTClient
  ) async -> [Readiness] {
    do throws(CapabilityError) {
      let has = try await permissions(needs.flatMap(\.permissions) + excess, on: resource, of: api)
      var found: [Readiness] = []
      for need in needs {
        let missing = need.permissions.filter { !has.contains($0) }.joined(separator: ", ")
        found.append(
          Readiness(
            need.what,
            missing.isEmpty
              ? .ready(need.permissions.joined(separator: ", "))
              : .missing(
                because: "the runner lacks \(missing)",
                fix: "give it a role with that permission, on this resource alone, then: staunch doctor")))
      }
      let many = excess.filter(has.contains).joined(separator: ", ")
      if !many.isEmpty {
        found.append(
          Readiness(
            "least privilege",
            .missing(
              because: "the runner has \(many), which no run needs",
              fix: "give it a role of its own with: \(needs.flatMap(\.permissions).joined(separator: ", "))"))
        )
      }
      return found
    } catch { return [Readiness(needs.map(\.what).joined(separator: ", "), error)] }
  }

  private static func error(_ answer: HTTPResponse) -> JSONValue? {
    let json = try? JSONValue(parsing: answer.body)  // no JSON: not Google's own answer
    return json?["error"]
  }
}
