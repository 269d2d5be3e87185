/**
 * Actions of Asterisk that change something, or read what no feed tells. They are refused as Manager refuses what a user
 * may not do. Some of them need no class in Asterisk; here they are refused too. Every other name is unknown.
 */
const NAMES = `
  AbsoluteTimeout AGI AgentLogoff AOCMessage Atxfer BlindTransfer Bridge BridgeDestroy BridgeKick BridgeTechnologyList
  BridgeTechnologySuspend BridgeTechnologyUnsuspend CancelAtxfer ChangeMonitor ConfbridgeKick ConfbridgeLock
  ConfbridgeMute ConfbridgeSetSingleVideoSrc ConfbridgeStartRecord ConfbridgeStopRecord ConfbridgeUnlock
  ConfbridgeUnmute ControlPlayback CreateConfig DBDel DBDelTree DBGet DBGetTree DBPut DeadlockStart
  DialplanExtensionAdd DialplanExtensionRemove ExtensionStateChange FAXSession FAXSessions FAXStats GetConfig
  GetConfigJSON Getvar Hangup JabberSend ListCategories LocalOptimizeAway LoggerRotate MailboxCount MailboxStatus
  MeetmeMute MeetmeUnmute MessageSend MixMonitor MixMonitorMute ModuleCheck ModuleLoad Monitor MuteAudio MWIDelete MWIGet
  MWIUpdate Originate Park PauseMonitor PJSIPHangup PJSIPNotify PJSIPQualify PJSIPRegister PJSIPShowEndpoint
  PJSIPShowAuths PJSIPShowRegistrationInboundContactStatuses PJSIPShowRegistrationsInbound PJSIPShowResourceLists
  PJSIPShowSubscriptionsInbound PJSIPShowSubscriptionsOutbound PJSIPUnregister PlayDTMF PlayMF PresenceState PRIDebugSet
  QueueAdd QueueChangePriorityCaller QueueLog QueueMemberRingInUse QueuePause QueuePenalty QueueReload QueueRemove
  QueueReset QueueRule QueueWithdrawCaller Redirect Reload SendFlash SendText Setvar ShowDialPlan SKINNYdevices
  SorceryMemoryCacheExpire SorceryMemoryCacheExpireObject SorceryMemoryCachePopulate SorceryMemoryCacheStale
  SorceryMemoryCacheStaleObject StopMixMonitor StopMonitor UnpauseMonitor UpdateConfig UserEvent VoicemailBoxSummary
  VoicemailForward VoicemailMove VoicemailRefresh VoicemailRemove VoicemailUsersList VoicemailUserStatus
`;

/** In lower case: action names are case-insensitive. */
export const REFUSED_ACTIONS: ReadonlySet<string> = new Set(
  NAMES.split(/\s+/)
    .filter((name) => name !== "")
    .map((name) => name.toLowerCase()),
);
