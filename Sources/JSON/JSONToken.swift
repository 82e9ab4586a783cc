/// One step through a JSON text.
public enum JSONToken: Sendable, Hashable {
  case beginObject
  case name(String)
  case endObject
  case beginArray
  case endArray
  /// A string, number, truth value or null; never an array or object.
  case scalar(JSONValue)
}

/// Takes the tokens of a ``JSONTokenizer`` as they come.
public protocol JSONTokenSink {
  /// - Parameter position: of the token's first byte.
  mutating func take(_ token: JSONToken, at position: JSONPosition) throws(JSONError)
}
