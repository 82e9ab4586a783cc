import CCurl
import Capabilities
import Foundation

/// What comes back on one handle, within bounds. Touched on the loop's thread only.
final class CurlAnswer {
  private(set) var body = Data()
  private(set) var headers: [String: String] = [:]
  /// More came than is allowed, and the transfer was ended for it.
  private(set) var isTooLarge = false
  private let largestBody: Int
  private var headerBytes = 0
  private var isHeadOver = false

  /// As libcurl's own later versions have it (MAX_HTTP_RESP_HEADER_SIZE).
  private static let largestHead = 300 << 10

  init(largestBody: Int) { self.largestBody = largestBody }

  /// Has libcurl bring what it receives. Unretained: who owns the handle keeps this as long.
  func receive(on handle: UnsafeMutableRawPointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    _ = staunch_curl_setopt_pointer(handle, CURLOPT_WRITEDATA, context)
    _ = staunch_curl_setopt_write(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let answer = Unmanaged<CurlAnswer>.fromOpaque(context).takeUnretainedValue()
      return answer.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    _ = staunch_curl_setopt_pointer(handle, CURLOPT_HEADERDATA, context)
    _ = staunch_curl_setopt_write(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      let answer = Unmanaged<CurlAnswer>.fromOpaque(context).takeUnretainedValue()
      return answer.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
  }

  /// - Returns: how much was taken; less than all ends the transfer (CURLOPT_WRITEFUNCTION(3)).
  private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    guard body.count + bytes.count <= largestBody else {
      isTooLarge = true
      return 0
    }
    body.append(contentsOf: bytes)
    return bytes.count
  }

  private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
    headerBytes += bytes.count
    guard headerBytes <= Self.largestHead else {
      isTooLarge = true
      return 0
    }
    let line = String(decoding: bytes, as: UTF8.self)
    if line.hasPrefix("HTTP/") {  // the status line: of an interim answer, of a proxy, then of the answer
      headers = [:]
      isHeadOver = false
    } else if line == "\r\n" || line == "\n" {
      isHeadOver = true
    } else if !isHeadOver, let colon = line.firstIndex(of: ":") {
      // What comes behind the body does not count as a header (RFC 9110 §6.5.1).
      let name = line[..<colon].lowercased()
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespacesAndNewlines)
      if headers[name] == nil {
        headers[name] = value
      } else {
        // In place: copied each time, a server that repeats a field holds up the loop, and with it everybody else.
        headers[name]?.append(", ")
        headers[name]?.append(value)
      }
    }
    return bytes.count
  }
}
