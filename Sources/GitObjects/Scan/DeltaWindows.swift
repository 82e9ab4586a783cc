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
        if count <= 2 * reach {
          append(baseStart + offset, count, of: base.count - offset)
        } else {
          append(baseStart + offset, reach, of: base.count - offset)
          let end = offset + count - reach
          append(baseStart + end, reach, of: base.count - end)
        }
      case .operation(.insert(let at, let count)):
        written += count
        append(deltaStart + at, count, of: delta.count - at)
      case .end: return written == operations.resultSize ? scan() : nil
      case .broken: return nil
      }
    }
  }

  private static let slack = 64
  /// Searched in pieces beyond: a delta of one-byte copies would fill the memory.
  private static let most = 16 << 20

  /// Most pieces are short: a copy of fixed size is a few moves, not a call, and what follows overwrites the surplus.
  ///
  /// - Parameter available: bytes that may be read from `source` on.
  @inline(__always)
  private func append(_ source: UnsafePointer<UInt8>, _ count: Int, of available: Int) {
    window.reserve(window.count + count + DeltaWindows.slack)
    let target = window.base + window.count
    if count <= 16, available >= 16 {
      DeltaWindows.copy(SIMD16<UInt8>.self, source, target)
    } else if count <= 48, available >= 48 {
      DeltaWindows.copy(SIMD32<UInt8>.self, source, target)
      DeltaWindows.copy(SIMD16<UInt8>.self, source + 32, target + 32)
    } else {
      memcpy(target, source, count)
    }
    window.count += count
  }

  @inline(__always)
  private static func copy<Vector: SIMD & BitwiseCopyable>(
    _: Vector.Type, _ source: UnsafePointer<UInt8>, _ target: UnsafeMutablePointer<UInt8>
  ) {
    let bytes = UnsafeRawPointer(source).loadUnaligned(as: Vector.self)
    UnsafeMutableRawPointer(target).storeBytes(of: bytes, as: Vector.self)
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
