import Foundation
import JSON

extension SimulatedKubernetes {
  static func status(_ code: Int, _ reason: String) -> SimulatedReply {
    .json(
      code,
      [
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": .string(reason),
        "message": "SHOULD-NOT-BE-SHOWN", "code": .integer(code),
      ])
  }

  private static func json(_ code: Int, _ value: JSONValue) -> SimulatedReply { .json(code, value) }

  static func reply(_ request: SimulatedRequest, _ state: inout State) -> SimulatedReply {
    if state.refusesNext {
      state.refusesNext = false
      return .answer(429, headers: ["retry-after": "1"])
    }
    let token = (request.headers["authorization"] ?? "").replacing("Bearer ", with: "")
    guard let user = user(token, state) else { return status(401, "Unauthorized") }
    let isChange = request.method != "GET" && !request.location.contains("reviews")
    let answer = answer(request, user, &state)
    if isChange, state.losesNext {
      state.losesNext = false
      return .hangUp
    }
    return answer
  }

  private static func answer(_ request: SimulatedRequest, _ user: String, _ state: inout State)
    -> SimulatedReply
  {
    let path = request.location
    let body: JSONValue
    do { body = request.body.isEmpty ? .null : try JSONValue(parsing: request.body) } catch {
      return status(400, "BadRequest")
    }
    // An account of the cluster's own may nothing but be known.
    guard user == "system:serviceaccount:ops:staunch" else { return status(403, "Forbidden") }
    switch (request.method, path) {
    case ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"):
      let wanted = body["spec"]?["resourceAttributes"]
      let resource = [wanted?["resource"]?.string, wanted?["subresource"]?.string].compactMap(\.self).joined(
        separator: "/")
      let isDenied = state.denied.contains("\(wanted?["verb"]?.string ?? "") \(resource)")
      return json(201, ["kind": "SelfSubjectAccessReview", "status": ["allowed": .boolean(!isDenied)]])
    case ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"):
      if state.denied.contains("create tokenreviews") { return status(403, "Forbidden") }
      let audiences = (body["spec"]?["audiences"]?.array ?? []).compactMap(\.string)
      guard let name = Self.user(body["spec"]?["token"]?.string ?? "", state, for: audiences) else {
        return json(
          201, ["kind": "TokenReview", "status": ["authenticated": false, "error": "SHOULD-NOT-BE-SHOWN"]])
      }
      return json(
        201, ["kind": "TokenReview", "status": ["authenticated": true, "user": ["username": .string(name)]]])
    case ("POST", _) where path.hasSuffix("/token"): return tokenRequest(path, body, &state)
    case ("GET", "/api"): return json(200, ["kind": "APIVersions", "versions": ["v1"]])
    case ("GET", _): return get(request, state)
    case ("POST", _): return create(path, body, &state)
    case ("PATCH", _): return patch(request, body, &state)
    case ("DELETE", _): return delete(path, body, &state)
    default: return status(405, "MethodNotAllowed")
    }
  }

  /// `secrets` of `/api/v1/namespaces/ns/secrets/name`; the kind is the fifth part, or the sixth with a group.
  private static func resource(_ path: String) -> (kind: String, isObject: Bool) {
    let parts = path.split(separator: "/").map(String.init)
    guard let place = parts.firstIndex(of: "namespaces"), parts.count > place + 2 else {
      return (parts.last ?? "", false)
    }
    return (parts[place + 2], parts.count > place + 3)
  }

  private static func get(_ request: SimulatedRequest, _ state: State) -> SimulatedReply {
    let (kind, isObject) = resource(request.location)
    if state.denied.contains("get \(kind)") && isObject || state.denied.contains("list \(kind)") && !isObject
    {
      return status(403, "Forbidden")
    }
    if let object = state.objects[request.location] { return json(200, object) }
    if isObject { return status(404, "NotFound") }
    let known = [
      "secrets", "pods", "serviceaccounts", "deployments", "certificatesigningrequests", "rolebindings",
    ]
    guard known.contains(kind) else { return .answer(404, body: Data("404 page not found".utf8)) }
    // Two a page, whatever was asked for: nobody may lean on one page.
    let all = state.objects.keys.filter { $0.hasPrefix(request.location + "/") }.sorted()
    let start = Int(request.query["continue"] ?? "0") ?? 0
    let page = all[min(start, all.count)..<min(start + 2, all.count)]
    let rest = start + 2 < all.count ? "\(start + 2)" : ""
    return json(
      200,
      [
        "kind": "List", "metadata": ["continue": .string(rest)],
        "items": .array(page.compactMap { state.objects[$0] }),
      ])
  }

  private static func create(_ path: String, _ body: JSONValue, _ state: inout State) -> SimulatedReply {
    if state.denied.contains("create \(resource(path).kind)") { return status(403, "Forbidden") }
    guard let name = body["metadata"]?["name"]?.string else { return status(422, "Invalid") }
    let target = "\(path)/\(name)"
    guard state.objects[target] == nil else { return status(409, "AlreadyExists") }
    put(target, body, &state)
    return json(201, state.objects[target] ?? .null)
  }

  private static func patch(_ request: SimulatedRequest, _ body: JSONValue, _ state: inout State)
    -> SimulatedReply
  {
    if state.denied.contains("patch \(resource(request.location).kind)") { return status(403, "Forbidden") }
    guard request.headers["content-type"] == "application/merge-patch+json" else {
      return status(415, "UnsupportedMediaType")
    }
    if let before = state.before {
      state.before = nil
      before(&state)
    }
    guard let old = state.objects[request.location] else { return status(404, "NotFound") }
    if let version = body["metadata"]?["resourceVersion"], version != old["metadata"]?["resourceVersion"] {
      return status(409, "Conflict")
    }
    if old["immutable"] == true, body["data"] != nil || body["immutable"] != nil {
      return status(422, "Invalid")
    }
    var new = merged(old, body)
    guard new != old else { return json(200, old) }
    if new["spec"] != old["spec"] {
      let generation = (old["metadata"]?["generation"]?.integer ?? 1) + 1
      new = merged(new, ["metadata": ["generation": .integer(generation)]])
    }
    new = stamped(new, &state)
    state.objects[request.location] = new["data"] == old["data"] ? new : managed(new, state)
    return json(200, state.objects[request.location] ?? .null)
  }

  private static func delete(_ path: String, _ body: JSONValue, _ state: inout State) -> SimulatedReply {
    if state.denied.contains("delete \(resource(path).kind)") { return status(403, "Forbidden") }
    guard let object = state.objects[path] else { return status(404, "NotFound") }
    if let uid = body["preconditions"]?["uid"], uid != object["metadata"]?["uid"] {
      return status(409, "Conflict")
    }
    state.objects[path] = nil
    return json(200, ["kind": "Status", "status": "Success"])
  }

  /// https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
  private static func tokenRequest(_ path: String, _ body: JSONValue, _ state: inout State)
    -> SimulatedReply
  {
    if state.denied.contains("create serviceaccounts/token") { return status(403, "Forbidden") }
    let parts = path.split(separator: "/").map(String.init)
    guard parts.count == 7, state.objects["/" + parts.dropLast().joined(separator: "/")] != nil else {
      return status(404, "NotFound")
    }
    var bound: String?
    if let reference = body["spec"]?["boundObjectRef"] {
      let kind = reference["kind"]?.string == "Pod" ? "pods" : "secrets"
      let target = "/api/v1/namespaces/\(parts[3])/\(kind)/\(reference["name"]?.string ?? "")"
      guard state.objects[target]?["metadata"]?["uid"] == reference["uid"] else {
        return status(409, "Conflict")
      }
      bound = target
    }
    let audiences = (body["spec"]?["audiences"]?.array ?? []).compactMap(\.string)
    let text = token(parts[3], parts[5], boundTo: bound, for: audiences, &state)
    return json(
      201,
      [
        "kind": "TokenRequest",
        "status": ["token": .string(text), "expirationTimestamp": "2026-12-01T00:00:00Z"],
      ])
  }
}
