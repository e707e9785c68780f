export {
  router,
  type NamedParams,
  type Route,
  type RouteOptions,
  type Router,
  type RouterOptions,
  type UrlOptions,
} from "./router.ts";
export type { PathParams, RoutePattern, RoutingArgs, RoutingEnviron } from "./params.ts";
export { mount, type Mounts } from "./mount.ts";
export type { MountPoint } from "./mount-point.ts";
