export {
  securityHeaders,
  type ReferrerPolicy,
  type SecurityHeadersEnviron,
  type SecurityHeadersOptions,
  type StrictTransportSecurity,
} from "./security-headers.ts";
export type { ContentSecurityPolicy, DirectiveName } from "./content-security-policy.ts";
export type { PermissionsPolicy } from "./permissions-policy.ts";
