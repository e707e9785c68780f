export { layerCases, type LayerCase } from "./layer/table.ts";
export { layerConformance, type LayerRequest, type WrappedClient } from "./layer/run-layer-cases.ts";
