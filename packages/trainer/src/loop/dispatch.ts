import type {
  CallbackAnswer,
  RollbackRequest,
  TrainingCallback,
  TrainingContext,
  TrainingWarning,
} from '../callbacks/callback';
import type { Plain } from '../checkpoints/index';
import { tesseraeError } from '@tesserae/registry';

/** Tells callbacks what happens, in their order, and collects what they ask for. */
export interface Dispatcher {
  /** Tells each callback that listens; awaits one after the other. */
  tell(call: (callback: TrainingCallback, state: Plain | undefined) => CallbackAnswer): Promise<void>;
  warn(warning: TrainingWarning): void;
  /** Whether gradients and weights of this update are to be measured. */
  measures(step: number): boolean;
  stop(reason: string): void;
  /** Why the run is to end, once a callback said so. */
  readonly stopReason: string | undefined;
  rollBack(request: RollbackRequest): void;
  /** The request to go back, if there is one; it is given out once. */
  takeRollback(): RollbackRequest | undefined;
  /** What checkpoints keep of the callbacks, by name. */
  states(): Record<string, Plain>;
  /** Lets every callback go of what it holds; the first failure comes out when all are through. */
  close(): Promise<void>;
}

/** @param restored what a checkpoint kept, by name */
export function createDispatcher(
  callbacks: readonly TrainingCallback[],
  restored: Readonly<Record<string, Plain>> = {},
): Dispatcher {
  const names = namesOf(callbacks);
  let stopReason: string | undefined;
  let rollback: RollbackRequest | undefined;
  const stop = (reason: string): void => void (stopReason ??= reason);
  return {
    async tell(call) {
      for (const [i, callback] of callbacks.entries()) {
        const answer = await call(callback, restored[names[i]]);
        if (typeof answer === 'object' && typeof answer?.stop === 'string') stop(answer.stop);
      }
    },
    warn(warning) {
      const listening = callbacks.filter(({ onWarning }) => onWarning);
      for (const callback of listening) callback.onWarning!(warning);
      if (listening.length === 0) process.emitWarning(warning.message, { type: 'TesseraeWarning', code: warning.code });
    },
    measures: (step) => callbacks.some(({ statisticsEvery: every }) => every !== undefined && step % every === 0),
    stop,
    get stopReason() {
      return stopReason;
    },
    rollBack(request) {
      checkRollback(request);
      rollback ??= request;
    },
    takeRollback() {
      const request = rollback;
      rollback = undefined;
      return request;
    },
    states: () =>
      Object.fromEntries(callbacks.flatMap((one, i) => (one.saveState ? [[names[i], one.saveState()] as const] : []))),
    async close() {
      const failures: unknown[] = [];
      for (const callback of callbacks) {
        try {
          await callback.close?.();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** `json-lines`, and `json-lines 2` for the second of that name. */
function namesOf(callbacks: readonly TrainingCallback[]): string[] {
  const seen = new Map<string, number>();
  return callbacks.map(({ name = 'callback' }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} ${count}`;
  });
}

function checkRollback(request: RollbackRequest): void {
  const { reason, rateFactor = 1, skipMore = 0 } = request;
  if (
    typeof reason === 'string' &&
    rateFactor > 0 &&
    rateFactor <= 1 &&
    Number.isSafeInteger(skipMore) &&
    skipMore >= 0
  )
    return;
  throw tesseraeError({
    package: 'trainer',
    plugin: 'train',
    code: 'E_ROLLBACK',
    message: `a callback asked to go back with ${JSON.stringify(request)}`,
    fix: 'give a reason, a rateFactor above 0 and at most 1, and a whole number skipMore ≥ 0',
  });
}

/** The functions of a context that only concern the callbacks. */
export const contextOf = (told: Dispatcher): Pick<TrainingContext, 'stop' | 'rollBack' | 'warn'> => ({
  stop: (reason) => told.stop(String(reason)),
  rollBack: (request) => told.rollBack(request),
  warn: (warning) => told.warn(warning),
});
