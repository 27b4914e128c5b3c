/** What became of something that a dead drill left. */
export type Fate =
  /** It is removed, or told to delete itself. */
  | {
      readonly fate: 'removed';
      /** An earlier message said that it would be. */
      readonly told?: boolean;
    }
  /** Not yet: it is still being made, or deleted, or something else has to go first. */
  | {
      readonly fate: 'waiting';
      readonly why: string;
      /** Absent: nothing is left to be done. Marks it as told. */
      readonly mark?: () => Promise<unknown>;
    }
  /** Nothing says that a drill made it. */
  | { readonly fate: 'left-alone'; readonly why: string }
  | { readonly fate: 'failed'; readonly why: string };

export type Leftover = Fate & {
  /** `DB instance drill-...` */
  readonly what: string;
  /** Absent: nobody knows whose it is. */
  readonly drillId?: string;
};

/** Something that may be removed. */
export interface Dead {
  readonly what: string;
  readonly drillId: string;
  /** Undefined: another run of the reaper has removed it. */
  readonly remove: () => Promise<Fate | undefined>;
}
