"""The page as people use it: keyboard, mouse, links, files, wrong input, a phone."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from browser import Visit, open_browser, write_page

from qlstm import QLSTMConfig, init_params, load_model, save_model

CELL = Path(__file__).resolve().parents[1] / "docs" / "cell.md"
NUMBER = re.compile(r"-?\d+\.\d*")


@pytest.fixture(scope="module")
def browser():
    yield from open_browser()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_page(tmp_path_factory.mktemp("page"))


@pytest.fixture
def visit(browser, path):
    """The page as a first visitor finds it."""
    found = Visit(browser, path)
    yield found
    found.close()


def documented_numbers():
    """Every number with decimals that an example of docs/cell.md prints."""
    blocks = re.findall(
        r"^```pycon$(.*?)^```$", CELL.read_text(), re.MULTILINE | re.DOTALL
    )
    lines = [line for block in blocks for line in block.splitlines()]
    printed = [line for line in lines if not line.startswith((">>>", "..."))]
    numbers = {float(n) for line in printed for n in NUMBER.findall(line)}
    return {round(abs(n), 3) for n in numbers}


def shown(visit):
    """Every number on the page, of either sign."""
    visit.settle()
    text = visit.page.inner_text("main").replace("−", "-")
    typed = visit.page.eval_on_selector_all(
        "input[type=number]", "(all) => all.map((el) => el.value).join(' ')"
    )
    return {round(abs(float(n)), 3) for n in NUMBER.findall(f"{text} {typed}")}


def tab_to(visit, name, selector="button"):
    """Press Tab until the element with this text has the focus."""
    found = """([name, selector]) => {
      const el = document.activeElement;
      return el.matches(selector) && (el.innerText || el.ariaLabel || "").includes(name);
    }"""
    for _ in range(400):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate(found, [name, selector]):
            return
    raise AssertionError(f"no {selector} {name!r} is reached by Tab")


def press(visit, name, selector="button"):
    """With the keyboard alone."""
    tab_to(visit, name, selector)
    visit.page.keyboard.press("Enter")
    visit.settle()


def click(visit, name, selector="button"):
    """With the mouse alone: where the element is, wherever one has to scroll."""
    button = visit.page.locator(selector, has_text=re.compile(rf"^{re.escape(name)}"))
    button = button.first
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.settle()


@pytest.mark.parametrize("use", [press, click])
def test_all_numbers_of_the_page_on_the_cell(visit, use):
    """Reached with the keyboard alone, and with the mouse alone."""
    use(visit, "Close the guide")
    seen = shown(visit)
    use(visit, "end")
    seen |= shown(visit)
    for rule in ("probabilities", "marginals", "reset", "mixed", "sampled"):
        use(visit, rule)
        seen |= shown(visit)
    use(visit, "|00⟩")  # the outcome that the documentation's draw has
    seen |= shown(visit)
    wanted = documented_numbers()
    assert len(wanted) > 40
    assert wanted - seen == set()


def test_the_guide_leads_through_one_step(visit):
    """It is there at once, does not take the focus, and ends."""
    page = visit.page
    assert page.evaluate("document.activeElement === document.body")
    titles = []
    while page.is_visible("#guide"):
        titles.append(page.inner_text("#guide-title"))
        page.click("#guide-next")
        visit.settle()
    assert len(titles) == 9 and len(set(titles)) == 9
    page.click("text=Lead me through one step")
    page.keyboard.press("Escape")
    visit.settle()
    assert not page.is_visible("#guide")


def test_a_click_on_a_gate_goes_there(visit):
    visit.page.locator(".gate").nth(4).click()
    visit.settle()
    assert visit.page.evaluate("App.state.moment") == 5
    assert "behind gate 5 of 16: CNOT" in visit.page.inner_text("p.now")


def test_the_slider_of_a_gate_turns_its_angle(visit):
    visit.page.locator(".gate").nth(0).click()
    before = visit.page.evaluate("App.view.steps[2].y[0]")
    slider = visit.page.locator("input[aria-label='Turn the angle of this gate']")
    slider.focus()
    visit.page.keyboard.press("ArrowRight")
    visit.settle()
    angle = visit.page.evaluate("App.state.model.params.entangler[0][0]")
    assert angle == pytest.approx(0.31)
    assert visit.page.evaluate("App.view.steps[2].y[0]") != before
    click(visit, "Undo")
    assert visit.page.evaluate("App.state.model.params.entangler[0][0]") == 0.3


def test_another_branch_and_back(visit):
    before = visit.page.evaluate("App.view.steps[2].y[0]")
    click(visit, "|00⟩", "button.outcome")
    assert visit.page.evaluate("App.view.steps[0].outcome") == 0
    assert visit.page.evaluate("App.view.steps[2].y[0]") != before
    assert "(yours)" in visit.page.inner_text("#window-body")
    click(visit, "Back to the rule’s own choice")
    assert visit.page.evaluate("App.view.steps[2].y[0]") == before


def test_training_by_hand(visit):
    """20 epochs in the page lower the loss; from the start brings it back."""
    visit.page.select_option("#preset", "complex")
    click(visit, "20 epochs")
    losses = visit.page.evaluate("App.state.losses")
    assert len(losses) == 21 and losses[-1] < losses[0]
    assert "epoch 20" in visit.page.inner_text("#training-body")
    click(visit, "from the start")
    assert visit.page.evaluate("App.view.series.losses.length") == 1


def test_the_square_and_the_diamond(visit):
    """The exact cell loses nothing; the best 2 and 3 states stand beside it."""
    visit.page.select_option("#preset", "diamond")
    visit.settle()
    text = visit.page.inner_text("#process-body").replace("\n", " ")
    assert re.search(r"this cell, as it is now\s+0\.0000", text)
    assert re.search(r"2 states, the best found\s+0\.2500", text)
    assert re.search(r"3 states, the best found\s+0\.0668", text)
    assert "Nothing is lost" in text
    visit.page.evaluate("document.querySelectorAll('.gate')[0].scrollIntoView()")
    visit.page.locator(".gate").nth(0).click()
    slider = visit.page.locator("input[aria-label='Turn the angle of this gate']")
    slider.focus()
    for _ in range(30):
        visit.page.keyboard.press("ArrowRight")
    visit.settle()
    assert visit.page.evaluate("App.view.world.excess") > 1e-5


def test_a_link_brings_back_what_was_there(browser, path, visit):
    page = visit.page
    page.click("text=Close the guide")
    click(visit, "mixed")
    page.fill("input[aria-label='Input of step 2']", "0.25")
    click(visit, "Link to this")
    link = page.input_value("input[data-select]")
    there = Visit(browser, path)
    there.page.goto("about:blank")
    there.go(link)
    state = "JSON.stringify([App.state.model, App.state.window])"
    assert there.page.evaluate(state) == page.evaluate(state)
    assert there.page.evaluate("App.state.window[1][0]") == 0.25
    there.close()


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "model"])
def test_a_damaged_link_falls_back_and_says_so(browser, path, visit, damage):
    click(visit, "Link to this")
    link = visit.page.input_value("input[data-select]")
    if damage == "model":
        wrong = visit.page.evaluate(
            "Model.pack({model: {config: {}, params: {}}, window: [[1]]})"
        )
        link = link.split("#")[0] + "#m=" + wrong
    else:
        link = {
            "cut": link[:-9],
            "changed": link.replace("#m=", "#m=x"),
            "empty": link.split("#")[0] + "#m=",
        }[damage]
    there = Visit(browser, path)
    there.page.goto("about:blank")
    there.go(link)
    assert "The link is damaged" in there.notice()
    assert there.page.evaluate("App.state.preset") == "cell"
    there.close()


def test_saved_and_loaded_again(visit, tmp_path):
    """The page's JSON is a model's file, there and back to the last bit."""
    page = visit.page
    page.fill("input[aria-label='entangler, row 1, column 1']", "0.45")
    with page.expect_download() as started:
        click(visit, "Save as JSON")
    file = tmp_path / "saved.json"
    started.value.save_as(file)
    params, config = load_model(file)
    assert params.entangler.tolist() == [[0.45, 0.9, 0.5, 0.7]]
    config = QLSTMConfig(n_system=1, n_ancilla=2, n_features=2, memory="mixed")
    params = init_params(config, np.random.default_rng(0))
    own = tmp_path / "own.json"
    save_model(own, params, config)
    page.set_input_files("input[type=file]", str(own))
    page.wait_for_function("App.state.model.config.n_features === 2")
    found = page.evaluate("App.state.model.params.entangler")
    assert found == params.entangler.tolist()
    assert "own.json is loaded" in visit.notice()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "it is no JSON"),
        ("{}", "must be JSON with `config` and `params`"),
        (
            {"n_system": 4, "n_ancilla": 3},
            "at most 5 wires for this page, but has 4 + 3",
        ),
        ({"memory": "mine"}, "`memory` must be one of collapse"),
        ({"n_layers": 2}, "`params.entangler` must be finite numbers of shape (2,4)"),
        ({"n_outputs": 3}, "`n_outputs` must be at most `n_system`"),
        ({"n_features": 0}, "`n_features` must be an integer from 1 to 8, but is 0"),
    ],
)
def test_a_file_that_does_not_fit(visit, tmp_path, content, said):
    """One line that says what fits, and everything stays as it was."""
    if isinstance(content, dict):
        config = QLSTMConfig(n_layers=1)
        save_model(
            tmp_path / "m.json", init_params(config, np.random.default_rng(0)), config
        )
        model = json.loads((tmp_path / "m.json").read_text())
        model["config"] |= content
        content = json.dumps(model)
    file = tmp_path / "file.json"
    file.write_text(content)
    before = visit.page.evaluate("JSON.stringify(App.state.model)")
    visit.page.set_input_files("input[type=file]", str(file))
    visit.page.wait_for_function("document.getElementById('notice').textContent")
    assert said in visit.notice()
    assert visit.page.evaluate("JSON.stringify(App.state.model)") == before


def test_inputs_that_do_not_fit(visit):
    """An empty field, and a projection of length 0: taken back, and said."""
    page = visit.page
    page.fill("input[aria-label='Input of step 1']", "")
    assert "Input of step 1 must be a number" in visit.notice()
    assert page.evaluate("App.state.window[0][0]") == 0.6
    for k in range(4):
        page.fill(f"input[aria-label='proj_weight, row 1, column {k + 1}']", "0")
        page.fill(f"input[aria-label='proj_bias, column {k + 1}']", "0")
    assert "must have a positive, finite norm" in visit.notice()
    assert "taken back" in visit.notice()
    assert page.evaluate("App.state.model.params.proj_bias[2]") == 0
    assert page.evaluate("App.state.model.params.proj_bias[3]") == 0.1


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_accessibility_and_width(browser, path, width, scheme):
    """axe-core finds nothing, and nothing is wider than the window."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    visit = Visit(browser, path, width, scheme)
    for preset in ("cell", "diamond"):
        visit.page.select_option("#preset", preset)
        visit.page.evaluate("document.querySelector('details').open = true")
        visit.settle()
        found = axe.run(visit.page).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
        wide = "document.documentElement.scrollWidth"
        assert visit.page.evaluate(wide) == width
    visit.close()


def test_nothing_is_asked_of_the_network(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"https?://(?!www\.w3\.org)|<link [^>]*stylesheet|@import", text
    )
    assert "src=" not in text
