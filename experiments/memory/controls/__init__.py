"""Controls that a referee asks for: is the memory quantum, does power matter, what do
classical machines of the same size do?

`rules` dephases the memory between two steps, `tasks` has what is learnt, `training`
trains with a price on the step's Schmidt strength, `readout` fits and measures,
`reservoirs` has untrained cells and echo state networks; `runs` measures, `report` and
`figures` say it.
"""
