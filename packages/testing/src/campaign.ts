export { campaignTimeout, cut, isLong, pieces, scaled, seededRandom } from "./campaign/counts.ts";
export { eventually, turns } from "./campaign/turns.ts";
export {
  environOutcome,
  mutatePackets,
  readPacket,
  type PacketCampaign,
  type PacketReaderLike,
  type PacketResult,
} from "./campaign/packets.ts";
