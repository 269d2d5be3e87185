import { dev, type RelayStage } from "../../../infra/stages.ts";

/** The stage dev, with an AMI gateway. */
export const devWithGateway: RelayStage = {
  ...dev,
  gateway: {
    certificateSecretName: "ami.example.com",
    tasks: { least: 2, most: 6 },
    connectionsPerTask: 1_000,
    allowedAddressRanges: ["203.0.113.0/24", "2001:db8::/32"],
  },
};
