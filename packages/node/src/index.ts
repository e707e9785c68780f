export { toNode, type NodeHandler, type ToNodeOptions } from "./to-node.ts";
export { fromNode, type NodeApplication, type NodeListener } from "./from-node.ts";
export { environOf } from "./incoming-request.ts";
