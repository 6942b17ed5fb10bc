/** What the operator chose to see; not what there is to see. */
class View {
  /** Counts the times the whole region was asked for. */
  home = $state(0);
}

export const view = new View();
