/* One step, for a first visit: what to look at, in order. `moment` is how far the gates
   are: 0, "en" (behind the entangler) or "all". */

const GUIDE = [
  { at: "window", title: "A window of values", text: "A quantum LSTM reads a sequence one value at a time. Here are the values x, and under each step its output y. All steps use the same gates; what goes from one to the next is the memory." },
  { at: "step", moment: 0, title: "The value becomes a state", text: "The first value is stretched and shifted to four numbers and divided by their length: the amplitudes of two wires, the system register. A squared amplitude is a probability. The memory is two more wires and starts in |00⟩." },
  { at: "registers", moment: 0, title: "Two registers, one table", text: "The joint state is a table: outcomes of the system down, basis states of the memory across. Before any gate it is a product, a column times a row: rank 1. Nothing about the input is in the memory yet." },
  { at: "scrub", moment: 1, title: "One gate", text: "A rotation mixes pairs of amplitudes, a CNOT swaps some. Each gate touches one or two wires. Press “on” to go on by one gate, or drag; turn an angle and watch what follows it." },
  { at: "registers", moment: "en", title: "Entangled", text: "Behind the entangler the table is no product any more. Its rank and the ebits say how much the two registers know of each other. That is how the value gets into the memory." },
  { at: "registers", moment: "all", title: "Disentangled, in part", text: "The second stage is a circuit of the same form with angles of its own. In the paper’s picture it takes entanglement back: the forget gate. How much it really takes back depends on the angles." },
  { at: "measure", moment: "all", title: "Read, and remember", text: "Row sums of the table are the probabilities of the outcomes. The output is the mean of Z on the last system wire. The rule turns what is left into the next memory: collapse keeps the likeliest row, normalized. Choose another outcome, and see another future." },
  { at: "gradient", moment: "all", title: "The way back", text: "Learning needs to know how the loss changes with every angle. The same gates are undone one by one with the gradient beside the state: the numbers next to each gate are exact." },
  { at: "train", moment: "all", title: "Now train it", text: "Press 20 epochs and watch the loss beside persistence, the forecast that repeats the last value. Everything on this page is computed here, with the numbers that the Python library gives." },
];
