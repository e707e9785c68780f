export { sessionStoreCases } from "./session-store/table.ts";
export { runStoreCase, sessionStoreConformance, type StoreConformanceOptions } from "./session-store/run-store-case.ts";
export type {
  MakeStore,
  SessionRecord,
  SessionStore,
  StoreArea,
  StoreBench,
  StoreCase,
  StoreNeed,
  StoreTestRunner,
  StoreUnderTest,
} from "./session-store/types.ts";
