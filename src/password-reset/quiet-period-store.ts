/**
 * Where the times are kept in which an account gets no reset mails, because its owner has said "this was not me". Default:
 * {@link TypeOrmQuietPeriodStore}.
 */
export abstract class QuietPeriodStore {
  /** @returns when the latest quiet period of a user ends, or ended */
  abstract endOf(userId: string): Promise<Date | undefined>;

  /** Begins one, in place of the latest, which may have ended later. */
  abstract begin(userId: string, endsAt: Date): Promise<void>;

  /** Forgets those that ended before a moment. @returns how many */
  abstract deleteEnded(before: Date): Promise<number>;
}
