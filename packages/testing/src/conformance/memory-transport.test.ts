import { describe, it } from "vitest";
import { gatewayConformance, memoryTransport } from "../conformance.ts";

gatewayConformance(memoryTransport(), { describe, it });
