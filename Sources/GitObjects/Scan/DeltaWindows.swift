import Foundation
import Secrets

/// The parts of a delta's result in which a probe may stand that its base does not hold: inserted bytes and the joins of
/// copies, each with the rest of a probe's length on both sides.
///
/// Everything else was copied in one piece, so a probe in it would stand in the base too. So would an escape that fits with
/// everything that its answer depends on: no more than `EscapeAlphabet.span` bytes. Either all of them were copied in one
/// piece, and then the base is searched whole, and its deltas are, too; or a join is between them, and the window there holds
/// them all. It does not matter how far away the rest of the value stands, nor which delta completes it.
final class DeltaWindows {
  private let patterns: CompiledPatterns
  private let isLong: Bool
  private let reach: Int
  private let window = ByteBuffer(capacity: 1 << 16)

  /// - Parameter isLong: for a base that is no more than ``CompiledPatterns/Look/undecided`` or has UTF-16 without a hit: the
  ///   windows show what a longer look at escapes sees.
  init(_ patterns: CompiledPatterns, isLong: Bool = false) {
    self.patterns = patterns
    self.isLong = isLong
    reach = isLong ? patterns.wholeReach : patterns.reach
  }

  /// Whether a probe, or an escape that fits, may stand in the result of `delta` on a `base` that holds none; nil when the delta
  /// is broken.
  func suspects(_ delta: UnsafeBufferPointer<UInt8>, on base: UnsafeBufferPointer<UInt8>) -> Bool? {
    guard var operations = DeltaOperations(delta), operations.baseSize == base.count,
      let baseStart = base.baseAddress, let deltaStart = delta.baseAddress
    else { return nil }
    // Windows that do not touch stand one behind the other: a probe that an artificial join forms costs a search, no more.
    window.count = 0
    window.reserve(delta.count + DeltaWindows.slack)
    var written = 0
    while true {
      if window.count > DeltaWindows.most {
        if scan() { return true }
        // What a probe may reach back to.
        let kept = min(window.count, reach)
        memmove(window.base, window.base + window.count - kept, kept)
        window.count = kept
      }
      switch operations.next() {
      case .operation(.copy(let offset, let count)):
        written += count
        if count > 2 * reach, reach <= 16, offset + count + 16 <= base.count {
          window.reserve(window.count + DeltaWindows.slack)
          DeltaWindows.copy16(baseStart + offset, window.base + window.count)
          DeltaWindows.copy16(baseStart + offset + count - reach, window.base + window.count + reach)
          window.count += 2 * reach
        } else if count <= 2 * reach {
          window.append(baseStart + offset, count)
        } else {
          window.append(baseStart + offset, reach)
          window.append(baseStart + offset + count - reach, reach)
        }
      case .operation(.insert(let at, let count)):
        written += count
        window.append(deltaStart + at, count)
      case .end: return written == operations.resultSize ? scan() : nil
      case .broken: return nil
      }
    }
  }

  private static let slack = 64
  /// Searched in pieces beyond: a delta of one-byte copies would fill the memory.
  private static let most = 16 << 20

  /// A copy of fixed size is two moves, not a call.
  @inline(__always)
  private static func copy16(_ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>) {
    let bytes = UnsafeRawPointer(source).loadUnaligned(as: SIMD16<UInt8>.self)
    UnsafeMutableRawPointer(target).storeBytes(of: bytes, as: SIMD16<UInt8>.self)
  }

  @inline(__always)
  private func scan() -> Bool {
    guard window.count > 0 else { return false }
    guard isLong else { return patterns.suspects(window.base, from: 0, to: window.count) }
    return switch patterns.look(at: window.bytes) {
    case .clean, .undecided: false
    case .wide, .suspect: true
    }
  }
}
