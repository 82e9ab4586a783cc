import ResponseSupport
import TestSupport

@testable import Commands
@testable import Response
@testable import Worker

extension WorkerRig {
  /// The command line over the rig's state, with its clock.
  var assembly: Assembly {
    var assembly = Assembly(options: Assembly.Options(quiet: true, noInput: true))
    assembly.statePath = directory.path("state")
    assembly.clock = { [clock] in clock.now }
    return assembly
  }
}
