/// The calls of the worker's lanes that can fail: where the supervisor's test makes each of them fail in every way.
package enum WorkPoint: String, CaseIterable, Sendable {
  case lookForNews, followJournal, destroyKeys, askPlatforms
  case readDeliveries, readDelivery, recordIncidents, finishDelivery
  case readDecisions, applyDecision, finishDecision
  case fetchSecret, checkStorm, plan, approveByPolicy, findLatePlaces
  case tell, findMessages, send, findRuns, readPlan, carryOut, publish
}
